//go:build !enact_airgapped

package enact_test

import (
	"testing"

	_ "github.com/enactdev/enact/drivers/postgres"
	"github.com/enactdev/enact/internal/testserver"
)

// TestRecordingInPostgres is TestRecording with servers.
func TestRecordingInPostgres(t *testing.T) {
	t.Run("on its own", func(t *testing.T) {
		stores := sameStore(testserver.PostgresFor(t).SocketDSN())
		stores.Vectors = "memory:" // Debian's server has no pgvector
		testRecording(t, stores)
	})
	t.Run("with pgvector", func(t *testing.T) {
		testRecording(t, sameStore(testserver.PGliteFor(t).DSN()))
	})
}
