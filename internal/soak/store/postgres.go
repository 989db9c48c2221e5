package store

import (
	"bytes"
	"fmt"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/postgres" // the store under load
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// postgres has no vectors: Debian has no pgvector.
var postgres = Kind{Name: "postgres", Missing: func() string {
	_, missing := testserver.FindPostgres()
	return missing
}, Open: func() (Store, error) {
	p, err := testserver.StartPostgres()
	if err != nil {
		return nil, err
	}
	readyForQuery := func(answer []byte) bool { return bytes.Contains(answer, []byte{'Z', 0, 0, 0, 5}) }
	proxy, err := testkit.NewProxy(fmt.Sprintf("127.0.0.1:%d", p.Port), readyForQuery, proxyBuffer)
	if err != nil {
		p.Remove()
		return nil, err
	}
	dsn := fmt.Sprintf("postgres://postgres:%s@%s/postgres?sslmode=disable&pool_max_conns=4&enact_sweep_interval=300ms", password, proxy.Address())
	return server{p, proxy, enact.Config{Events: dsn, State: dsn, Messages: dsn}}, nil
}}
