package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// plan is a node of a plan as EXPLAIN (ANALYZE, FORMAT JSON) has it.
type plan struct {
	Kind     string  `json:"Node Type"`
	Relation string  `json:"Relation Name"`
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Removed  float64 `json:"Rows Removed by Filter"`
	Plans    []plan
}

type explained struct {
	Query string `json:"Query Text"`
	Plan  plan
}

// plans collects those of the statements that a pool runs, inside functions, too.
type plans struct {
	mu  sync.Mutex
	all []explained
}

func (p *plans) notice(_ *pgconn.PgConn, n *pgconn.Notice) {
	_, text, found := strings.Cut(n.Message, "plan:\n")
	if !found {
		return
	}
	var e explained
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		panic(fmt.Sprintf("auto_explain says what is no JSON: %v: %s", err, text))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all = append(p.all, e)
}

// touchedRows bounds what one statement may read of a table: the largest piece of a
// stream and the largest batch of the sweeper are below it, the tables far above.
const touchedRows = 9000

// check finds what a statement must not do.
func (p plan) check() (wrong []string) {
	if p.Kind == "Seq Scan" && p.Relation != "" && p.Relation != "enact_version" && !strings.HasPrefix(p.Relation, "pg_") {
		wrong = append(wrong, "reads all of "+p.Relation)
	}
	// The events of one append may be sorted, which come from an array.
	if strings.Contains(p.Kind, "Sort") && p.reads() && !p.has("Function Scan") {
		wrong = append(wrong, "sorts what it has read")
	}
	if n := p.Rows*p.Loops + p.Removed*p.Loops; n > touchedRows {
		wrong = append(wrong, fmt.Sprintf("touches %.0f rows in %s %s", n, p.Kind, p.Relation))
	}
	for _, below := range p.Plans {
		wrong = append(wrong, below.check()...)
	}
	return wrong
}

func (p plan) has(kind string) bool {
	found := p.Kind == kind
	for _, below := range p.Plans {
		found = found || below.has(kind)
	}
	return found
}

// reads: there is a table below.
func (p plan) reads() bool {
	found := p.Relation != ""
	for _, below := range p.Plans {
		found = found || below.reads()
	}
	return found
}

// fill makes 100,000 rows in every table, most of them of one tenant, of which one
// execution, one thread and one person have many.
func fill(o *outsider) {
	o.exec("BEGIN", "SELECT set_config('enact_log.appending', 'yes', true)",
		`INSERT INTO enact.executions (tenant, id, created) SELECT CASE WHEN i % 10 = 0 THEN 'other' ELSE 't' END, 'execution-' || i, now() FROM generate_series(1, 100000) i`,
		`INSERT INTO enact.executions (tenant, id, created) VALUES ('t', 'execution', now())`,
		`INSERT INTO enact.events (execution, sequence, time, id, type, payload)
			SELECT (SELECT key FROM enact.executions WHERE tenant = 't' AND id = 'execution'), i, now(), convert_to('event-' || i, 'UTF8'), 'type', 'payload'::bytea FROM generate_series(1, 50000) i
			UNION ALL SELECT key, 1, now(), 'event-1'::bytea, 'type', 'payload'::bytea FROM (SELECT key FROM enact.executions WHERE id <> 'execution' ORDER BY key LIMIT 50000) x`,
		"COMMIT",
		`INSERT INTO enact.state (tenant, key, version, expires, value)
			SELECT CASE WHEN i % 10 = 0 THEN 'other' ELSE 't' END, 'k' || i, i, CASE WHEN i % 100 = 0 THEN now() WHEN i % 2 = 0 THEN now() + interval '1 hour' END, 'value' FROM generate_series(1, 100000) i`,
		`INSERT INTO enact.snapshots (tenant, execution, sequence, time, data) SELECT CASE WHEN i % 10 = 0 THEN 'other' ELSE 't' END, 'execution-' || i, 1, now(), 'data' FROM generate_series(1, 100000) i`,
		`INSERT INTO enact.threads (tenant, id, person, created, updated, deleted, touched, version, positions, title, metadata)
			SELECT CASE WHEN i % 10 = 0 THEN 'other' ELSE 't' END, 'thread-' || i, CASE WHEN i % 2 = 0 THEN 'user' ELSE 'user-' || i END, now(), now(), CASE WHEN i % 4 = 0 THEN now() END, nextval('enact.touches'), 1, 0, '', '' FROM generate_series(1, 100000) i`,
		`INSERT INTO enact.messages (tenant, id, thread, position, parent, execution, role, created, updated, deleted, version, content, parts, details)
			SELECT 't', 'message-' || i, CASE WHEN i <= 50000 THEN 'thread' ELSE 'thread-' || 2 * (i % 1000) + 1 END, i + 10, '', CASE WHEN i % 3 = 0 THEN 'execution' ELSE '' END, 'user', now(), now(), CASE WHEN i % 4 = 0 OR i < 10000 THEN now() END, 1, '', '', '' FROM generate_series(1, 100000) i`,
		`UPDATE enact.threads SET positions = 100010 WHERE id = 'thread'`,
		"VACUUM ANALYZE enact.executions, enact.events, enact.state, enact.snapshots, enact.threads, enact.messages")
}

// TestEveryStatementHasAnIndex runs every method on 100,000 rows and looks at the
// plan of every statement, also with plans that know no arguments: no statement
// reads a whole table or sorts one, and none touches more than its page.
func TestEveryStatementHasAnIndex(t *testing.T) {
	t.Parallel()
	dsn := newDSN(t)
	b := open(t, dsn)
	testkit.Prepare(t, b)
	fill(outside(t, dsn))
	for _, mode := range []string{"auto", "force_generic_plan", "force_custom_plan"} {
		t.Run(mode, func(t *testing.T) {
			collected := &plans{}
			pool := newPool(t, serverOf(t).SocketDSN(), func(c *pgxpool.Config) {
				c.ConnConfig.RuntimeParams["options"] = "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 -c auto_explain.log_nested_statements=on" +
					" -c auto_explain.log_format=json -c auto_explain.log_level=notice -c auto_explain.log_analyze=on -c auto_explain.log_timing=off -c jit=off -c plan_cache_mode=" + mode
				c.ConnConfig.OnNotice = collected.notice
			})
			b := testkit.Must(connectTo(t.Context(), NewConnector(pool, Schema(b.schema))))(t)
			defer shutdown(t, b)
			// Often enough that a plan would be kept for any arguments.
			for range 7 {
				testkit.EveryCall(t, b)
			}
			testkit.Must(b.sweep(t.Context()))(t)
			readInTheMiddle(t, b.Tenant("t"))

			seen, reported := map[string]bool{}, map[string]bool{}
			for _, e := range collected.all {
				seen[e.Query] = true
				if wrong := e.Plan.check(); len(wrong) > 0 && !reported[e.Query] {
					reported[e.Query] = true
					t.Errorf("%s\n%s", strings.Join(wrong, ", "), e.Query)
				}
			}
			t.Logf("%d statements in %d executions", len(seen), len(collected.all))
			for _, table := range []string{"executions", "events", "state", "snapshots", "threads", "messages"} {
				if !mentions(seen, `."`+table+`"`) && !mentions(seen, "."+table) {
					t.Errorf("no statement on %s was seen: this test shows nothing", table)
				}
			}
		})
	}
}

func mentions(statements map[string]bool, text string) bool {
	for statement := range statements {
		if strings.Contains(statement, text) {
			return true
		}
	}
	return false
}

// readInTheMiddle reads where many rows are before and behind.
func readInTheMiddle(t *testing.T, s driver.Stores) {
	ctx := context.Background()
	n := 0
	for _, err := range s.Events.Load(ctx, "execution", 25_000) {
		testkit.Check(t, err)
		if n++; n > 600 {
			break
		}
	}
	for i := range 8 {
		q := driver.MessageQuery{Thread: "thread", IncludeDeleted: i&1 > 0, Backward: i&2 > 0}
		if i&4 > 0 {
			q.Thread, q.Execution = "", "execution"
		}
		for range 3 {
			q.Page.Limit = 1000
			_, next, err := s.Messages.ListMessages(ctx, q)
			testkit.Check(t, err)
			q.Page.Cursor = next
		}
	}
	if _, err := s.Events.Append(ctx, "execution", driver.Expectation{}, testkit.Events("large", 1000)); err != nil {
		t.Error(err)
	}
	if _, err := s.Events.Append(ctx, "execution", driver.Expectation{}, testkit.Events("large", 1000)); err != nil {
		t.Error(err)
	}
}
