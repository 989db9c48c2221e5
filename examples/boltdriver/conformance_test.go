package boltdriver

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivertest"
)

func TestConformance(t *testing.T) { drivertest.Run(t, target()) }

func target() drivertest.Target {
	return drivertest.Target{
		Driver:        boltDriver{},
		DSN:           newDSN,
		Roles:         []driver.Role{driver.RoleEvents, driver.RoleState},
		Malformed:     []string{"bolt", "bolt:", "bolt://host/path", "bolt:a%zz", "bolt:a%00", "bolt:a#b", "bolt:a?lock_wait=never", "bolt:a?sweep_interval=0s"},
		Engine:        movableFile,
		HeldKeys:      heldKeys,
		ReclaimWithin: 20 * time.Second,
		Deviations: []drivertest.Deviation{
			{Rule: "B7", Check: "two-processes", Reason: oneProcess},
			{Rule: "B7", Check: "killed-beside", Reason: oneProcess},
		},
	}
}

const oneProcess = "bbolt locks its file for one process; another waits until it is closed"

// newDSN is the DSN of a new store. The lock_wait bounds how long the check of the
// deviation takes to fail.
func newDSN(tb testing.TB) string {
	return "bolt:" + filepath.Join(tb.TempDir(), "store.bolt") + "?sweep_interval=100ms&lock_wait=2s"
}

// movableFile is a store whose engine is taken away by moving its folder.
func movableFile(tb testing.TB) drivertest.Engine {
	folder := filepath.Join(tb.TempDir(), "store")
	check(tb, os.Mkdir(folder, 0o700))
	return drivertest.Engine{
		DSN:   "bolt:" + filepath.Join(folder, "store.bolt"),
		Stop:  func() { check(tb, os.Rename(folder, folder+".away")) },
		Start: func() { check(tb, os.Rename(folder+".away", folder)) },
	}
}

// heldKeys counts the keys in a file, expired or not. bbolt locks the file, so the
// count is taken through the driver's own handle on it.
func heldKeys(tb testing.TB, dsn string) (n int) {
	b := open(tb, dsn)
	defer shutdown(tb, b)
	check(tb, b.read(tb.Context(), func(tx *bolt.Tx) error {
		tenants := find(tx, bucketState)
		return tenants.ForEachBucket(func(tenant []byte) error {
			n += tenants.Bucket(tenant).Stats().KeyN
			return nil
		})
	}))
	return n
}

// open returns a handle on the store.
func open(tb testing.TB, dsn string) *backend {
	tb.Helper()
	c, err := boltDriver{}.OpenConnector(dsn)
	check(tb, err)
	b, err := c.Connect(tb.Context())
	check(tb, err)
	return b.(*backend)
}

func shutdown(tb testing.TB, b *backend) {
	tb.Helper()
	check(tb, b.Shutdown(tb.Context()))
}

func check(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}
