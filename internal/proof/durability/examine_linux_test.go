package durability

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/enactdev/enact"
)

// promises are the receipts of what was acknowledged, by writer.
type promises map[string][]uint64

func (p promises) String() string {
	var parts []string
	for _, name := range writerNames {
		parts = append(parts, fmt.Sprintf("%s %d", name, len(p[name])))
	}
	return strings.Join(parts, ", ")
}

// add notes what a step promises: the call has returned when its acknowledgement
// begins.
func (p promises) add(s step) {
	if a := s.acknowledges; a != nil && s.begins {
		p[a.writer] = append(p[a.writer], a.receipt)
	}
}

// outage is a power cut that has happened.
type outage struct {
	cut
	unsynced int
	found    map[string][]byte
	promised promises
}

// keep says where the files are that were found.
func (o outage) keep(folder string) string {
	if folder == "" {
		return ""
	}
	for name, content := range o.found {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return fmt.Sprintf("; the files could not be kept: %v", err)
		}
	}
	return fmt.Sprintf("; with -artifacts the files are kept in %s", folder)
}

// examine starts the machine again.
func (o outage) examine(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	folder, err := newFolder()
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	for name, content := range o.found {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			return err
		}
	}
	file := filepath.Join(folder, databaseName)
	rt, err := openStore(ctx, dsnFor(file, "readers=1"))
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { err = errors.Join(err, rt.Shutdown(ctx)) }()
	if err := checkIntegrity(ctx, file); err != nil {
		return err
	}
	t := rt.Tenant("tenant")
	for _, name := range writerNames {
		w, receipts := writers[name], o.promised[name]
		n, err := stored(ctx, w, t, receipts)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := w.write(ctx, t, n); err != nil {
			return fmt.Errorf("%s: write %d after the power cut: %w", name, n, err)
		}
		if err := w.check(ctx, t, n+1, receipts); err != nil {
			return fmt.Errorf("%s: after another write: %w", name, err)
		}
	}
	return nil
}

// stored returns how many writes of a writer a store holds: those that were
// acknowledged, and perhaps the one that was under way.
func stored(ctx context.Context, w writer, t *enact.Tenant, receipts []uint64) (int, error) {
	n := len(receipts)
	exactly := w.check(ctx, t, n, receipts)
	if exactly == nil {
		return n, nil
	}
	if withNext := w.check(ctx, t, n+1, receipts); withNext != nil {
		return 0, fmt.Errorf("after the %d writes that were acknowledged: %w; and with one more: %w", n, exactly, withNext)
	}
	return n + 1, nil
}

// checkIntegrity has SQLite look at the whole file, by a connection of its own.
func checkIntegrity(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: path, RawQuery: "_pragma=busy_timeout(60000)"}).String())
	if err != nil {
		return err
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil || verdict != "ok" {
		return fmt.Errorf("PRAGMA integrity_check says %q (%w)", verdict, err)
	}
	return nil
}
