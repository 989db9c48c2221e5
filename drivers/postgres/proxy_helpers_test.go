package postgres

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

func startProxy(tb testing.TB, server *testserver.Postgres) *testkit.Proxy {
	tb.Helper()
	return testkit.StartProxy(tb, fmt.Sprintf("127.0.0.1:%d", server.Port), readyForQuery)
}

// proxyDSN reaches the server through a proxy.
func proxyDSN(p *testkit.Proxy, parameters string) string {
	return fmt.Sprintf("postgres://postgres@%s/postgres?sslmode=disable&%s", p.Address(), parameters)
}

// throughProxy opens a schema of the shared server through a proxy, and directly.
func throughProxy(t *testing.T, parameters string) (p *testkit.Proxy, through, direct *backend) {
	t.Helper()
	server, schema := serverOf(t), newSchema()
	p = startProxy(t, server)
	through = open(t, proxyDSN(p, schema+parameters))
	direct = open(t, server.SocketDSN(schema))
	return p, through, direct
}

// dump is all that is stored but times and versions, which repeating may change.
func dump(o *outsider) (all string) {
	for _, query := range []string{
		"SELECT coalesce(string_agg(e::text, ' '), '') FROM (SELECT x.tenant, x.id, e.sequence, e.id, e.type, e.payload FROM enact.executions x LEFT JOIN enact.events e ON e.execution = x.key ORDER BY 1, 2, 4) e",
		"SELECT coalesce(string_agg(s::text, ' '), '') FROM (SELECT tenant, key, value FROM enact.state ORDER BY 1, 2) s",
		"SELECT coalesce(string_agg(s::text, ' '), '') FROM (SELECT tenant, execution, sequence, data FROM enact.snapshots ORDER BY 1, 2) s",
		"SELECT coalesce(string_agg(s::text, ' '), '') FROM (SELECT tenant, id, version, deleted IS NULL, positions FROM enact.threads ORDER BY 1, 2) s",
		"SELECT coalesce(string_agg(s::text, ' '), '') FROM (SELECT tenant, id, version, deleted IS NULL, position FROM enact.messages ORDER BY 1, 2) s",
	} {
		all += valueOf[string](o, query) + "\n"
	}
	return all
}

// readyForQuery: the server has come to the end of its answer.
func readyForQuery(answer []byte) bool { return bytes.Contains(answer, []byte{'Z', 0, 0, 0, 5}) }

// commits: the request ends a transaction, as COMMIT or as a statement of its own
// that writes.
func commits(request []byte) bool {
	execute := []byte{'E', 0, 0, 0, 9, 0, 0, 0, 0, 0}
	return bytes.Contains(request, []byte("commit\x00")) || (bytes.Contains(request, execute) &&
		(bytes.Contains(request, []byte(".append(")) || bytes.Contains(request, []byte(".append_together(")) || bytes.Contains(request, []byte(".put(")) || bytes.Contains(request, []byte(".remove(")) || bytes.Contains(request, []byte("INTO")) || bytes.Contains(request, []byte("DELETE"))) &&
		!bytes.Contains(request, []byte(".messages")) && !bytes.Contains(request, []byte(".threads")))
}
