package airgap

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/enactdev/enact"
)

// together are attempts with several stores: all that are refused are named at once,
// and those that are not are not opened either.
func together(p premises) []attempt {
	file := "sqlite://" + filepath.Join(p.folder, unopened)
	several := func(what string, c enact.Config, words ...string) attempt {
		return attempt{what: what, open: func() enact.Config { return c }, want: enact.ErrAirGapped, words: words}
	}
	return []attempt{
		several("four stores", enact.Config{Events: "postgres://u@db.example/d", State: "redis://db.example", Messages: "redis+cluster://db.example", Vectors: "postgres://u@127.0.0.1/d"},
			"4 errors", "events", "state", "messages", "vectors", `"postgres"`, `"redis"`),
		several("one DSN for two stores", enact.Config{Events: "postgres://u@db.example/d", Messages: "postgres://u@db.example/d"}, "events, messages"),
		several("two of four", enact.Config{Events: file, State: "redis://db.example", Messages: file, Vectors: "postgres://u@db.example/d"}, "2 errors", "state", "vectors"),
		several("a connector and a DSN", enact.Config{Events: file, State: "redis://db.example", Connectors: enact.Connectors{Vectors: &stranger{requires: true, address: beyond}}},
			"2 errors", "state", "vectors", `"redis"`, `"stranger"`),
	}
}

// unopened is a database beside which something is refused.
const unopened = "unopened.db"

func checkUnopened(t *testing.T, folder string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(folder, unopened)); err == nil {
		t.Error("a store was opened although others were refused")
	}
}
