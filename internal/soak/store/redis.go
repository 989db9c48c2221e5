package store

import (
	"context"
	"fmt"
	"slices"

	goredis "github.com/redis/go-redis/v9"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/redis" // the store under load
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

var redis = Kind{Name: "redis", Missing: func() string {
	_, missing := testserver.FindRedis()
	return missing
}, Open: func() (Store, error) {
	user := fmt.Sprintf("user soak on >%s ~* &* +@all", password)
	r, err := testserver.StartRedis(slices.Concat(testserver.RedisDurable, []string{user})...)
	if err != nil {
		return nil, err
	}
	proxy, err := testkit.NewProxy(r.Address(), nil, proxyBuffer)
	if err != nil {
		r.Remove()
		return nil, err
	}
	dsn := fmt.Sprintf("redis://soak:%s@%s/0?pool_size=4&enact_sweep_interval=300ms", password, proxy.Address())
	return server{r, proxy, enact.Config{Events: dsn, State: dsn, Messages: dsn}}, nil
}}

func init() {
	// What it thinks of the connections that the soak cuts is of no interest.
	goredis.SetLogger(silent{})
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}
