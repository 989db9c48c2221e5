package store

import (
	"net/url"
	"os"
	"path/filepath"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/sqlite" // the store under load
)

var sqlite = Kind{Name: "sqlite", Missing: func() string { return "" }, Open: func() (Store, error) {
	folder, err := os.MkdirTemp("", "enact-soak-")
	if err != nil {
		return nil, err
	}
	return file{folder: folder, remove: func() error { return os.RemoveAll(folder) }}, nil
}}

// fileName is the file in the folder.
const fileName = "soak.db"

// file is an SQLite file in a folder.
type file struct {
	folder string
	faults []Fault
	remove func() error
}

// Config implements Store. Expired keys are swept all the time.
func (f file) Config() enact.Config {
	dsn := "sqlite://" + (&url.URL{Path: filepath.Join(f.folder, fileName)}).EscapedPath() + "?sweep_interval=300ms"
	return enact.Config{Events: dsn, State: dsn, Messages: dsn, Vectors: dsn}
}

// Secret implements Store.
func (f file) Secret() string { return "" }

// Faults implements Store.
func (f file) Faults() []Fault { return f.faults }

// Rest implements Store.
func (f file) Rest() {}

// Remove implements Store.
func (f file) Remove() error { return f.remove() }
