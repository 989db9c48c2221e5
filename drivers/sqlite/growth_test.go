package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"modernc.org/sqlite"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// exerciseEverything calls every method in every way that leads to a query of its
// own.
func exerciseEverything(t *testing.T, b *backend) {
	t.Helper()
	ctx := t.Context()
	useEverything(t, b)
	s := b.Tenant("t")
	setFor(t, s.State, "expired", time.Microsecond)
	time.Sleep(time.Millisecond)
	testkit.Must(b.sweep(ctx))(t)
	testkit.Check(t, s.State.Delete(ctx, "id", driver.Precondition{}))
	testkit.Check(t, s.State.DeleteSnapshot(ctx, "id"))

	// Events that are there, as a batch with a stale expectation finds out.
	testkit.Must(s.Events.Append(ctx, "execution", driver.ExpectLast(0), testkit.Events("id", 1)))(t)

	thread := testkit.Must(s.Messages.GetThread(ctx, "thread", true))(t)
	testkit.Must(s.Messages.UpdateThread(ctx, thread))(t)
	message := testkit.Must(s.Messages.GetMessage(ctx, "id", true))(t)
	testkit.Must(s.Messages.UpdateMessage(ctx, message))(t)
	testkit.Must(s.Messages.CreateMessage(ctx, driver.Message{ID: "child", Parent: "id", Thread: "thread", Role: "user", Execution: "execution"}))(t)
	testkit.Must(s.Messages.CreateMessage(ctx, driver.Message{ID: "second child", Parent: "id", Thread: "thread", Role: "user", Execution: "execution"}))(t)
	testkit.Must(s.Messages.CreateThread(ctx, driver.Thread{ID: "doomed", User: "user"}))(t)
	testkit.Must(s.Messages.CreateThread(ctx, driver.Thread{ID: "kept", User: "user"}))(t)
	for _, deleted := range []bool{false, true} {
		twoPages(t, func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.Messages.ListThreads(ctx, driver.ThreadQuery{User: "user", IncludeDeleted: deleted, Page: p})
			return next, err
		})
		for _, backward := range []bool{false, true} {
			for _, q := range []driver.MessageQuery{{Thread: "thread"}, {Execution: "execution"}} {
				q.Backward, q.IncludeDeleted = backward, deleted
				twoPages(t, func(p driver.Page) (driver.Cursor, error) {
					q.Page = p
					_, next, err := s.Messages.ListMessages(ctx, q)
					return next, err
				})
			}
		}
	}
	testkit.Check(t, s.Messages.DeleteMessage(ctx, "child"))
	testkit.Check(t, s.Messages.DeleteThread(ctx, "doomed"))

	for _, key := range []string{"a", "b"} {
		setFor(t, s.State, key, 0)
		testkit.Must(s.Events.Append(ctx, driver.ExecutionID(key), driver.Expectation{}, someEvents("id", 1, nil)))(t)
		testkit.Check(t, testkit.Write(ctx, b, "SaveSnapshot", key))
		testkit.Check(t, testkit.Write(ctx, b, "EnsureCollection", key))
	}
	twoPages(t, func(p driver.Page) (driver.Cursor, error) { _, next, err := s.State.List(ctx, "", p); return next, err })
	twoPages(t, func(p driver.Page) (driver.Cursor, error) {
		_, next, err := s.State.ListSnapshots(ctx, p)
		return next, err
	})
	twoPages(t, func(p driver.Page) (driver.Cursor, error) {
		_, next, err := s.Events.ListExecutions(ctx, p)
		return next, err
	})
	twoPages(t, func(p driver.Page) (driver.Cursor, error) {
		_, next, err := s.Vectors.ListCollections(ctx, p)
		return next, err
	})

	doc := driver.Document{ID: "id", Embedding: []float32{1, 2}, Metadata: []byte(`{"list":[1,"x",null,true,2.5],"object":{}}`)}
	for range 2 { // added and replaced
		testkit.Check(t, s.Vectors.Upsert(ctx, "collection", []driver.Document{doc}))
	}
	tie := doc
	tie.ID = "tie"
	testkit.Check(t, s.Vectors.Upsert(ctx, "collection", []driver.Document{tie}))
	for i := range 8 {
		fields := driver.Fields{Content: i&1 > 0, Metadata: i&2 > 0, Embedding: i&4 > 0}
		testkit.Must(s.Vectors.Search(ctx, "collection", driver.Query{Embedding: []float32{1, 1}, Limit: 1, Fields: fields}))(t)
	}
	testkit.Check(t, s.Vectors.Delete(ctx, "collection", []string{"tie"}))
	testkit.Check(t, s.Vectors.DeleteCollection(ctx, "a"))
}

// twoPages reads the first and the second page of a listing.
func twoPages(t *testing.T, list func(driver.Page) (driver.Cursor, error)) {
	t.Helper()
	next, err := list(driver.Page{Limit: 1})
	testkit.Check(t, err)
	if next == "" {
		t.Fatal("the listing has one page only, and its second one is not exercised")
	}
	_, err = list(driver.Page{Limit: 1, Cursor: next})
	testkit.Check(t, err)
}

// Of what is prepared, some has no plan: a PRAGMA even takes effect when it is
// only explained.
var hasPlan = regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE) `)

// preparedQueries are the fixed queries that the connections have run.
func preparedQueries(t *testing.T, b *backend) []string {
	t.Helper()
	all := map[string]bool{}
	collect := func(c *conn) {
		for query := range c.prepared {
			all[query] = hasPlan.MatchString(query)
		}
	}
	withWriter(t, b, collect)
	withEveryReader(t, b, collect)
	maps.DeleteFunc(all, func(query string, planned bool) bool { return !planned })
	return slices.Sorted(maps.Keys(all))
}

// planOf is how SQLite would run a query.
func planOf(t *testing.T, c *conn, query string) (steps []string) {
	t.Helper()
	err := c.eachOnce(context.Background(), "EXPLAIN QUERY PLAN "+query, make([]any, parametersOf(query)), func(row scanner) (bool, error) {
		var id, parent, unused int
		var step string
		err := row.Scan(&id, &parent, &unused, &step)
		steps = append(steps, step)
		return true, err
	})
	if err != nil {
		t.Fatalf("explain %s: %v", query, err)
	}
	return steps
}

var parameter = regexp.MustCompile(`\?(\d*)`)

func parametersOf(query string) (n int) {
	for _, match := range parameter.FindAllStringSubmatch(query, -1) {
		if number, err := strconv.Atoi(match[1]); err == nil {
			n = max(n, number)
		} else {
			n++
		}
	}
	return n
}

// A scan of one of these reads a row, or what does not grow with the data.
var scansThatDoNotGrow = regexp.MustCompile(`^SCAN (CONSTANT ROW|sqlite_master|pragma_\w+ VIRTUAL TABLE INDEX .*)$`)

func checkPlan(t *testing.T, c *conn, query string) {
	t.Helper()
	steps := planOf(t, c, query)
	for _, step := range steps {
		switch {
		case strings.HasPrefix(step, "SCAN") && !scansThatDoNotGrow.MatchString(step):
			t.Errorf("%q reads the whole of something, want an index:\n%s\n\t%s", step, query, strings.Join(steps, "\n\t"))
		case strings.Contains(step, "TEMP B-TREE"):
			t.Errorf("%q sorts everything before the first row, want an index in that order:\n%s\n\t%s", step, query, strings.Join(steps, "\n\t"))
		}
	}
}

// TestQueriesUseIndexes asks SQLite for the plan of every fixed query that runs when
// every method is called, without and with statistics about the tables: somebody may
// have run ANALYZE on a file that was small.
func TestQueriesUseIndexes(t *testing.T) {
	b := open(t, dsnFor(newFile(t), "sweep_interval=1h"))
	exerciseEverything(t, b)
	queries := preparedQueries(t, b)
	words := strings.Join(queries, "\n")
	for _, table := range []string{"executions", "events", "state", "state_floor", "snapshots", "threads", "messages", "collections", "documents", "removals", "attributes"} {
		if !strings.Contains(words, " "+table+" ") {
			t.Errorf("no query of the table %s has been collected; exerciseEverything should run them all", table)
		}
	}
	if len(queries) < 70 {
		t.Errorf("%d queries have been collected, want at least the 70 that there are", len(queries))
	}
	withWriter(t, b, func(c *conn) {
		for _, query := range queries {
			checkPlan(t, c, query)
		}
	})
}

// TestFiltersUseIndexes: the query that a filter becomes begins with what is selected
// by an index, for each operator and for filters as large as they may be.
func TestFiltersUseIndexes(t *testing.T) {
	t.Parallel()
	value := driver.String("value")
	manyValues := make([]driver.Value, driver.MaxFilterNodes-1)
	manyFilters := make([]driver.Filter, driver.MaxFilterNodes/2-1)
	for i := range manyValues {
		manyValues[i] = driver.Int(int64(i))
	}
	for i := range manyFilters {
		manyFilters[i] = driver.Eq(fmt.Sprint(i), value)
	}
	deep := driver.Eq("key", value)
	for range driver.MaxFilterDepth - 1 {
		deep = driver.Not(deep)
	}
	b := open(t, dsnFor(newFile(t)))
	for name, filter := range map[string]driver.Filter{
		"eq": driver.Eq("key", value), "ne": driver.Ne("key", value), "lt": driver.Lt("key", value), "lte": driver.Lte("key", value),
		"gt": driver.Gt("key", value), "gte": driver.Gte("key", value), "exists": driver.Exists("key"), "in": driver.In("key", value, driver.Int(1), driver.Null(), driver.Bool(true)),
		"in nothing": driver.In("key"), "and": driver.And(driver.Eq("a", value), driver.Gt("b", value)), "or": driver.Or(driver.Eq("a", value), driver.Gt("b", value)),
		"empty and": driver.And(), "empty or": driver.Or(), "not": driver.Not(driver.Exists("key")), "deep": deep,
		"many values": driver.In("key", manyValues...), "many in and": driver.And(manyFilters...), "many in or": driver.Or(manyFilters...),
	} {
		t.Run(name, func(t *testing.T) {
			testkit.Check(t, filter.Validate())
			query, args := selectDocuments(1, filter)
			if len(args) != parametersOf(query) {
				t.Fatalf("%d arguments for %d parameters", len(args), parametersOf(query))
			}
			withWriter(t, b, func(c *conn) {
				for _, step := range planOf(t, c, query) {
					// The parts are put together by sets of keys, which is what a filter is.
					if strings.HasPrefix(step, "SCAN") && !regexp.MustCompile(`^SCAN (CONSTANT ROW|\(subquery-\d+\))`).MatchString(step) {
						t.Errorf("%q reads the whole of something, want an index, in the plan of the filter %q", step, name)
					}
				}
			})
		})
	}
}

// pad makes names so long that few fit a page, so that reading many shows.
const (
	pad   = pad50 + pad50 + pad50 + pad50
	pad50 = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
)

// enlarge puts n of everything into a store, as fast as SQL can: executions, events
// of one execution, keys, snapshots, threads of one user, messages of one thread and
// one execution, collections, and documents of one collection. With only, it fills
// those tables that are named.
func enlarge(t *testing.T, path string, n int, only ...string) {
	t.Helper()
	db := outside(t, path)
	mustExec(t, db, "BEGIN")
	const messageColumns = " (tenant, id, thread, position, parent, execution, role, created, updated, version, content, parts, details)"
	const threadColumns = " (tenant, id, user, created, updated, touched, deleted, version, title, metadata)"
	for _, row := range []struct{ into, values string }{
		{"executions (key, tenant, id, last, created, updated)", "1000000 + i, 't', NAME, 0, 0, 0"},
		{"events (execution, sequence, id, time, type, payload)", "999999, i, NAME, 0, 'test', x''"},
		{"state (tenant, key, version, value)", "'t', NAME, 1, x''"},
		{"state (tenant, key, version, expires, value)", "'t', 'x' || NAME, 1, 9000000000000000, x''"},
		{"snapshots (tenant, execution, sequence, time, data)", "'t', NAME, 1, 0, x''"},
		{"threads" + threadColumns, "'t', NAME, 'busyPAD', 0, 0, i, NULL, 1, x'', x''"},
		{"threads" + threadColumns, "'t', 'x' || NAME, 'busyPAD', 0, 0, 1000000 + i, 1, 1, x'', x''"},
		{"messages" + messageColumns, "'t', NAME, '000001PAD', i, '', 'longPAD', 'user', 0, 0, 1, x'', x'', x''"},
		{"messages" + messageColumns, "'t', 'x' || NAME, '000002PAD', i, '', '', 'user', 0, 0, 1, x'', x'', x''"},
		{"collections (key, tenant, name, dimension, metric, count, version, trimmed)", "1000000 + i, 't', NAME, 2, 'dot', 0, 0, 0"},
		{"documents (key, collection, changed, id, embedding, metadata, content)", "i, 999999, 1, NAME, x'0000803f00000040', CAST(json_object('kPAD', 'v') AS BLOB), x''"},
		{"attributes (collection, key, kind, value, document)", "999999, CAST('kPAD' AS BLOB), 3, CAST('v' AS BLOB), i"},
	} {
		if table, _, _ := strings.Cut(row.into, " "); only != nil && !slices.Contains(only, table) {
			continue
		}
		values := strings.NewReplacer("NAME", "printf('%06dPAD', i)").Replace(row.values)
		values = strings.ReplaceAll(values, "PAD", pad)
		mustExec(t, db, fmt.Sprintf("INSERT INTO %s WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT %s FROM n", row.into, n, values))
	}
	mustExec(t, db,
		fmt.Sprintf("INSERT INTO executions (key, tenant, id, last, created, updated) VALUES (999999, 't', 'long%s', %d, 0, 0)", pad, n),
		fmt.Sprintf("INSERT INTO collections (key, tenant, name, dimension, metric, count, version, trimmed) VALUES (999999, 't', 'large%s', 2, 'dot', %d, 1, 0)", pad, n),
		"COMMIT")
	closed(t, db)
}

// stepsThatDoNotGrow are operations whose cost must not depend on how much there is,
// on a store that enlarge has filled.
var stepsThatDoNotGrow = map[string]func(ctx context.Context, b *backend, s driver.Stores) error{
	"Append": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Events.Append(ctx, "long"+pad, driver.Expectation{}, someEvents("new", 1, nil))
		return err
	},
	"Append again": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Events.Append(ctx, "long"+pad, driver.ExpectLast(0), []driver.Event{{ID: "000001" + pad, Type: "test"}})
		return err
	},
	"Load the last event": func(ctx context.Context, b *backend, s driver.Stores) error {
		last, err := s.Events.LatestSequence(ctx, "long"+pad)
		for _, err := range s.Events.Load(ctx, "long"+pad, last-1) {
			return err
		}
		return err
	},
	"ListExecutions": func(ctx context.Context, b *backend, s driver.Stores) error {
		return pageTwice(func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.Events.ListExecutions(ctx, p)
			return next, err
		})
	},
	"Get": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.State.Get(ctx, "000007"+pad)
		return err
	},
	"Set": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.State.Set(ctx, "000007"+pad, nil, driver.SetOptions{TTL: time.Hour})
		return err
	},
	"Delete": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.State.Delete(ctx, "000008"+pad, driver.Precondition{})
	},
	"List": func(ctx context.Context, b *backend, s driver.Stores) error {
		return pageTwice(func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.State.List(ctx, "0000", p)
			return next, err
		})
	},
	"sweep": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := b.sweep(ctx)
		return err
	},
	"ListSnapshots": func(ctx context.Context, b *backend, s driver.Stores) error {
		return pageTwice(func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.State.ListSnapshots(ctx, p)
			return next, err
		})
	},
	"CreateThread": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Messages.CreateThread(ctx, driver.Thread{ID: "new", User: "busy" + pad})
		return err
	},
	"ListThreads": func(ctx context.Context, b *backend, s driver.Stores) error {
		return pageTwice(func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.Messages.ListThreads(ctx, driver.ThreadQuery{User: "busy" + pad, Page: p})
			return next, err
		})
	},
	"ListThreads, deleted ones too": func(ctx context.Context, b *backend, s driver.Stores) error {
		return pageTwice(func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.Messages.ListThreads(ctx, driver.ThreadQuery{User: "busy" + pad, IncludeDeleted: true, Page: p})
			return next, err
		})
	},
	"CreateMessage": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Messages.CreateMessage(ctx, driver.Message{ID: "new", Thread: "000001" + pad, Parent: "000009" + pad, Execution: "long" + pad, Role: "user"})
		return err
	},
	"DeleteMessage": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.Messages.DeleteMessage(ctx, "000009"+pad)
	},
	"ListMessages of a thread":               driverPages(driver.MessageQuery{Thread: "000001" + pad}),
	"ListMessages of a thread, backward":     driverPages(driver.MessageQuery{Thread: "000001" + pad, Backward: true}),
	"ListMessages of a thread, all":          driverPages(driver.MessageQuery{Thread: "000001" + pad, IncludeDeleted: true}),
	"ListMessages of an execution":           driverPages(driver.MessageQuery{Execution: "long" + pad}),
	"ListMessages of an execution, backward": driverPages(driver.MessageQuery{Execution: "long" + pad, Backward: true}),
	"ListMessages of an execution, all":      driverPages(driver.MessageQuery{Execution: "long" + pad, IncludeDeleted: true}),
	"EnsureCollection": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.Vectors.EnsureCollection(ctx, driver.Collection{Name: "new", Dimension: 2, Metric: driver.Dot})
	},
	"GetCollection": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Vectors.GetCollection(ctx, "large"+pad)
		return err
	},
	"ListCollections": func(ctx context.Context, b *backend, s driver.Stores) error {
		return pageTwice(func(p driver.Page) (driver.Cursor, error) {
			_, next, err := s.Vectors.ListCollections(ctx, p)
			return next, err
		})
	},
	"Upsert": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.Vectors.Upsert(ctx, "large"+pad, []driver.Document{
			{ID: "000007" + pad, Embedding: []float32{1, 2}, Metadata: []byte(`{"k` + pad + `":"w"}`)}, {ID: "new", Embedding: []float32{1, 2}, Metadata: []byte(`{"k` + pad + `":"v"}`)},
		})
	},
	"Get a document": func(ctx context.Context, b *backend, s driver.Stores) error {
		_, err := s.Vectors.Get(ctx, "large"+pad, "000009"+pad)
		return err
	},
	"Delete a document": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.Vectors.Delete(ctx, "large"+pad, []string{"000010" + pad})
	},
	"DeleteCollection": func(ctx context.Context, b *backend, s driver.Stores) error {
		return s.Vectors.DeleteCollection(ctx, "000011"+pad)
	},
	"HealthCheck": func(ctx context.Context, b *backend, s driver.Stores) error { return b.HealthCheck(ctx) },
}

func driverPages(q driver.MessageQuery) func(ctx context.Context, b *backend, s driver.Stores) error {
	return func(ctx context.Context, b *backend, s driver.Stores) error {
		return pageTwice(func(p driver.Page) (driver.Cursor, error) {
			q.Page = p
			_, next, err := s.Messages.ListMessages(ctx, q)
			return next, err
		})
	}
}

func pageTwice(list func(driver.Page) (driver.Cursor, error)) error {
	next, err := list(driver.Page{Limit: 3})
	if err == nil {
		_, err = list(driver.Page{Limit: 3, Cursor: next})
	}
	return err
}

// pagesRead counts the pages of the file that the connections of a store have looked
// at.
func pagesRead(t *testing.T, b *backend) (pages int) {
	t.Helper()
	count := func(c *conn) {
		for _, op := range []sqlite.DBStatusOp{sqlite.DBStatusCacheHit, sqlite.DBStatusCacheMiss} {
			n, _, err := c.engine.(sqlite.DBStatus).Status(op, false)
			testkit.Check(t, err)
			pages += n
		}
	}
	withWriter(t, b, count)
	withEveryReader(t, b, count)
	return pages
}

// TestCostDoesNotGrow counts the pages that an operation reads in a small and in a
// large store. A plan that names an index may still walk through all of it, and this
// tells.
func TestCostDoesNotGrow(t *testing.T) {
	t.Parallel()
	cost := map[string][2]int{}
	for i, n := range []int{20, 1_500} {
		path := newFile(t)
		shutdown(t, open(t, dsnFor(path)))
		enlarge(t, path, n)
		b := open(t, dsnFor(path, "sweep_interval=1h", "readers=1"))
		for name, step := range stepsThatDoNotGrow {
			before := pagesRead(t, b)
			if err := step(t.Context(), b, b.Tenant("t")); err != nil {
				t.Fatalf("%s in a store with %d of everything: %v", name, n, err)
			}
			both := cost[name]
			both[i] = pagesRead(t, b) - before
			cost[name] = both
		}
	}
	for name, pages := range cost {
		if small, large := pages[0], pages[1]; large > 3*small+20 {
			t.Errorf("%s reads %d pages of a store with 20 of everything and %d of one with 1,500, want about as many", name, small, large)
		}
	}
	t.Logf("pages read in a small and a large store: %v", cost)
}

// TestSlowReaderDoesNotGrowTheJournal: a stream that somebody reads slowly holds
// nothing between its pieces, so the journal is written back into the file and
// begins anew while others write (E7).
func TestSlowReaderDoesNotGrowTheJournal(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	b := open(t, dsnFor(path))
	s := b.Tenant("t")
	testkit.Must(s.Events.Append(t.Context(), "execution", driver.Expectation{}, someEvents("e", 2*pieceEvents+1, nil)))(t)
	const megabytes, most = 40, 12
	read := 0
	for _, err := range s.Events.Load(t.Context(), "execution", 0) {
		testkit.Check(t, err)
		if read++; read != 1 && read != pieceEvents+1 {
			continue
		}
		for i := range megabytes / 2 {
			// Always another one: what is the same is not written again.
			testkit.Must(s.State.Set(t.Context(), "key", bytes.Repeat([]byte{byte(i)}, 1<<20), driver.SetOptions{}))(t)
		}
	}
	if read != 2*pieceEvents+1 {
		t.Errorf("the stream had %d events, want %d", read, 2*pieceEvents+1)
	}
	info, err := os.Stat(path + "-wal")
	testkit.Check(t, err)
	if info.Size() > most<<20 {
		t.Errorf("the -wal file has grown to %d MiB while %d MiB were written during a stream, want at most %d", info.Size()>>20, megabytes, most)
	}
}

// TestPiecesAreSmall: what a stream reads ahead is bounded in number and in bytes, but
// is at least one event (E7).
func TestPiecesAreSmall(t *testing.T) {
	b := open(t, dsnFor(newFile(t)))
	s := b.Tenant("t").Events.(events)
	testkit.Must(s.Append(t.Context(), "many", driver.Expectation{}, someEvents("e", 2*pieceEvents, nil)))(t)
	testkit.Must(s.Append(t.Context(), "large", driver.Expectation{}, someEvents("e", 4, make([]byte, pieceBytes-1))))(t)
	testkit.Must(s.Append(t.Context(), "larger", driver.Expectation{}, someEvents("e", 2, make([]byte, 3*pieceBytes))))(t)
	for execution, want := range map[driver.ExecutionID]int{"many": pieceEvents, "large": 2, "larger": 1} {
		piece, more, err := s.loadPiece(t.Context(), execution, 0)
		if len(piece) != want || !more || err != nil {
			t.Errorf("the first piece of %q has %d events, more to come: %t, %v; want %d and more", execution, len(piece), more, err, want)
		}
	}
}
