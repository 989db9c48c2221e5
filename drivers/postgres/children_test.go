package postgres

import (
	"context"

	"github.com/enactdev/enact/internal/testkit"
)

// roles are what a child of a test can be.
var roles = testkit.Roles{
	"open":   childOpens,
	"append": childAppends,
}

// withStore runs f with a store.
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
