package sqlite

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivertest"
	"github.com/enactdev/enact/internal/testkit"
)

func TestConformance(t *testing.T) { drivertest.Run(t, target()) }

func BenchmarkDriver(b *testing.B) { drivertest.Bench(b, target()) }

func target() drivertest.Target {
	return drivertest.Target{
		Driver: sqliteDriver{},
		DSN: func(tb testing.TB) string {
			return "sqlite:" + filepath.Join(tb.TempDir(), "store.db") + "?sweep_interval=1s"
		},
		Roles:         []driver.Role{driver.RoleEvents, driver.RoleState, driver.RoleMessages, driver.RoleVectors},
		Malformed:     []string{"sqlite", "sqlite:", "sqlite:a%zz", "sqlite:a?lock_wait=never", "sqlite:a?readers=0"},
		HeldKeys:      heldKeys,
		ReclaimWithin: 20 * time.Second,
		Engine:        movableFile,
		Timeout:       5 * time.Minute, // the engine is Go code, and slow under the race detector
	}
}

// heldKeys counts the rows of state keys in a file.
func heldKeys(tb testing.TB, dsn string) (n int) {
	path, _, _ := strings.Cut(strings.TrimPrefix(dsn, "sqlite:"), "?")
	db, err := sql.Open("sqlite", path)
	testkit.Check(tb, err)
	defer db.Close()
	testkit.Check(tb, db.QueryRow("SELECT count(*) FROM state").Scan(&n))
	return n
}

// movableFile is a store whose engine is taken away by moving its folder.
func movableFile(tb testing.TB) drivertest.Engine {
	folder := filepath.Join(tb.TempDir(), "store")
	testkit.Check(tb, os.Mkdir(folder, 0o700))
	return drivertest.Engine{
		DSN:   "sqlite:" + filepath.Join(folder, "store.db"),
		Stop:  func() { testkit.Check(tb, os.Rename(folder, folder+".away")) },
		Start: func() { testkit.Check(tb, os.Rename(folder+".away", folder)) },
	}
}
