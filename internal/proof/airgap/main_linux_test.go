package airgap

import (
	"testing"

	// The child links every driver that there is.
	_ "github.com/enactdev/enact/drivers/memory"
	_ "github.com/enactdev/enact/drivers/postgres"
	_ "github.com/enactdev/enact/drivers/redis"
	_ "github.com/enactdev/enact/drivers/sqlite"

	"github.com/enactdev/enact/internal/testkit"
)

// Roles of the child.
const (
	usesStores = "uses stores"
	isIsolated = "is isolated"
	triesAll   = "tries to get out"
	liesOnce   = "lies"
)

func TestMain(m *testing.M) {
	testkit.Roles{usesStores: useStores, isIsolated: useStoresIsolated, triesAll: tryAll, liesOnce: openLiar}.Play()
	m.Run()
}
