package enact_test

import (
	"strings"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/drivers/memory"
)

// memoryConnector is what opening dsn would connect.
func memoryConnector(t *testing.T, dsn string) driver.Connector {
	t.Helper()
	return memory.NewConnector(strings.TrimPrefix(dsn, "memory:"))
}
