package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/enactdev/enact/driver"
)

// codeOf returns SQLite's extended result code, 0 for any other error.
func codeOf(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

func isNotFound(err error) bool { return errors.Is(err, driver.ErrNotFound) }

// isBusy: somebody else holds a lock; trying again may succeed.
func isBusy(err error) bool {
	switch codeOf(err) & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED, lib.SQLITE_PROTOCOL:
		return true
	}
	return false
}

// isKnownEvent: the trigger or the unique index has found the event to be there.
func isKnownEvent(err error) bool {
	code := codeOf(err)
	return code == lib.SQLITE_CONSTRAINT_TRIGGER || code == lib.SQLITE_CONSTRAINT_UNIQUE
}

// explain gives an error of the engine its place in the contract. committing says
// that it came from a COMMIT, where a failed write to the disk leaves open whether
// the commit record has reached it.
func (b *backend) explain(err error, committing bool) error {
	switch code := codeOf(err) & 0xff; code {
	case 0:
		return err
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w: sqlite: no space left for %s; free some and try again: %w", driver.ErrUnavailable, b.where(), err)
	case lib.SQLITE_READONLY, lib.SQLITE_PERM:
		return fmt.Errorf("%w: sqlite: %s or its folder is not writable by this process; change its permissions: %w", driver.ErrUnavailable, b.where(), err)
	case lib.SQLITE_CANTOPEN:
		return fmt.Errorf("%w: sqlite: %s cannot be opened; see to its folder and permissions: %w", driver.ErrUnavailable, b.where(), err)
	case lib.SQLITE_NOTADB:
		return fmt.Errorf("%w: sqlite: %s is not an SQLite database; name another file: %w", driver.ErrInvalid, b.where(), err)
	case lib.SQLITE_CORRUPT:
		return fmt.Errorf("sqlite: %s is damaged; restore it from a backup: %w", b.where(), err)
	case lib.SQLITE_IOERR, lib.SQLITE_NOMEM:
		if !committing {
			return fmt.Errorf("%w: sqlite: %s cannot be read or written now: %w", driver.ErrUnavailable, b.where(), err)
		}
	}
	return fmt.Errorf("sqlite: %s: %w", b.where(), err)
}

// where names the store in errors.
func (b *backend) where() string {
	if b.path == "" {
		return "the database in memory"
	}
	return fmt.Sprintf("%q", b.path)
}
