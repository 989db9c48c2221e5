package sqlite

import (
	"context"
	"os"
	"testing"

	"github.com/enactdev/enact/internal/testkit"
)

// roles are what a child of a test can be; files of some systems only add theirs.
var roles = testkit.Roles{
	"append": childAppends,
	"race":   childRaces,
	"open":   childOpens,
	"count":  childCounts,
	"docs":   childChangesDocuments,
	"crash":  childAppendsForEver,
	"make":   childMakesTheFile,
}

func TestMain(m *testing.M) {
	roles.Play()
	os.Exit(m.Run())
}

// withStore runs f with the store in a file.
func withStore(ctx context.Context, dsn string, f func(b *backend) error) error {
	b, err := connect(ctx, dsn)
	if err != nil {
		return err
	}
	if err := f(b); err != nil {
		b.Shutdown(ctx)
		return err
	}
	return b.Shutdown(ctx)
}
