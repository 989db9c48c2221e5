package main

import (
	"errors"
	"os"
	"testing"

	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/store"
)

func TestMain(m *testing.M) {
	client.Play()
	os.Exit(m.Run())
}

func TestShortSoak(t *testing.T) {
	if code := run([]string{"-for", "2s", "-seed", "1", "-stores", "sqlite"}); code != 0 {
		t.Errorf("a soak of SQLite ends with %d, want 0", code)
	}
}

// A store that is missing must not go unnoticed.
func TestMissingStoreIsNotDone(t *testing.T) {
	all := store.Kinds
	defer func() { store.Kinds = all }()
	missing := store.Kind{Name: "missing", Missing: func() string { return "it is not installed" }, Open: func() (store.Store, error) {
		return nil, errors.New("opened though it is missing")
	}}
	store.Kinds = append([]store.Kind{missing}, all...)
	for _, stores := range []string{"missing", "missing,sqlite"} {
		if code := run([]string{"-for", "1s", "-stores", stores}); code != exitNotDone {
			t.Errorf("a soak of %s ends with %d, want %d", stores, code, exitNotDone)
		}
	}
}
