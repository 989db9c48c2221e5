package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/testserver"
)

// growthOfStores is point 7: the same calls on a store and on one with ten times as
// much.
func growthOfStores(ctx context.Context, b *bench) error {
	err := b.scope(func() error {
		return b.growthOf(ctx, "SQLite", sameSQLite,
			func(ctx context.Context, _ string) (*enact.Tenant, error) { return b.openSQLite(ctx) },
			func(context.Context) error { return nil })
	})
	if err != nil {
		return err
	}
	server, err := b.postgresServer(7, "PostgreSQL, growth")
	if server == nil {
		return err
	}
	return b.scope(func() error {
		return b.growthOf(ctx, "PostgreSQL", samePostgres+"; after ANALYZE, which the server's autovacuum would do within some minutes",
			func(ctx context.Context, name string) (*enact.Tenant, error) {
				return b.openPostgres(ctx, server, name)
			},
			func(ctx context.Context) error { return analyze(ctx, server) })
	})
}

// analyze has the server look at what was stored, as it does by itself after a
// while.
func analyze(ctx context.Context, server *testserver.Postgres) error {
	conn, err := pgx.Connect(ctx, server.LoopbackDSN())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "ANALYZE")
	return err
}

// grown is a filled store.
type grown struct {
	*enact.Tenant
	events, executions, threads int
	// inExecutions and inThreads are cursors in the middle of these listings.
	inExecutions, inThreads enact.Cursor
}

const (
	longExecution = "long"
	pageSize      = 100
	tailEvents    = 10
)

func (b *bench) fillStore(ctx context.Context, store *enact.Tenant, share int) (g *grown, err error) {
	g = &grown{Tenant: store, events: b.events / share, executions: b.executions / share, threads: b.threads / share}
	b.log("   filling a store with %d events in one execution, %d executions and keys, %d threads", g.events, g.executions, g.threads)
	if err := fillExecution(ctx, store.Events, longExecution, g.events); err != nil {
		return nil, err
	}
	if err := fillLists(ctx, store, g.executions, g.threads); err != nil {
		return nil, err
	}
	if g.inExecutions, err = middle(ctx, g.executions, func(ctx context.Context, page enact.Page) (enact.Cursor, error) {
		_, next, err := store.Events.ListExecutions(ctx, page)
		return next, err
	}); err != nil {
		return nil, err
	}
	g.inThreads, err = middle(ctx, g.threads, func(ctx context.Context, page enact.Page) (enact.Cursor, error) {
		_, next, err := store.Messages.ListThreads(ctx, enact.ThreadQuery{User: user, Page: page})
		return next, err
	})
	return g, err
}

// middle walks to the middle of a listing of n entries.
func middle(ctx context.Context, n int, list func(context.Context, enact.Page) (enact.Cursor, error)) (at enact.Cursor, err error) {
	for seen := 0; seen < n/2; seen += 500 {
		if at, err = list(ctx, enact.Page{Limit: 500, Cursor: at}); err != nil {
			return "", err
		}
	}
	return at, nil
}

// callsThatDoNotGrow are what must cost the same however much there is. Each
// returns how many entries it has read.
var callsThatDoNotGrow = []struct {
	what string
	want int
	call func(ctx context.Context, g *grown, n int) (int, error)
}{
	{"append to a long execution", 0, func(ctx context.Context, g *grown, _ int) (int, error) {
		_, err := g.Events.Append(ctx, longExecution, enact.Expectation{}, enact.Custom{Type: eventType, Data: smallPayload})
		return 0, err
	}},
	{"load the last 10 events of a long execution", tailEvents, func(ctx context.Context, g *grown, _ int) (n int, err error) {
		last, err := g.Events.LatestSequence(ctx, longExecution)
		if err != nil {
			return 0, err
		}
		for _, err := range g.Events.Load(ctx, longExecution, last-tailEvents) {
			if err != nil {
				return n, err
			}
			n++
		}
		return n, nil
	}},
	{"a page of 100 executions", pageSize, func(ctx context.Context, g *grown, _ int) (int, error) {
		page, _, err := g.Events.ListExecutions(ctx, enact.Page{Limit: pageSize, Cursor: g.inExecutions})
		return len(page), err
	}},
	{"a page of 100 threads", pageSize, func(ctx context.Context, g *grown, _ int) (int, error) {
		page, _, err := g.Messages.ListThreads(ctx, enact.ThreadQuery{User: user, Page: enact.Page{Limit: pageSize, Cursor: g.inThreads}})
		return len(page), err
	}},
	{"get a thread", 1, func(ctx context.Context, g *grown, n int) (int, error) {
		_, err := g.Messages.GetThread(ctx, threadOf(n*stride%g.threads))
		return 1, err
	}},
	{"get a key of state", 1, func(ctx context.Context, g *grown, n int) (int, error) {
		_, err := g.State.Get(ctx, keyOf(n*stride%g.executions))
		return 1, err
	}},
}

// stride is a prime, with which a sequence of calls jumps through all there is.
const stride = 7_919

var smallPayload = randomBytes(payloadBytes)

// growthOf compares a store with one of ten times as much. settle is called when
// both are filled.
func (b *bench) growthOf(ctx context.Context, engine, same string, open func(ctx context.Context, name string) (*enact.Tenant, error), settle func(context.Context) error) error {
	var stores [2]*grown
	for i, share := range []int{10, 1} {
		store, err := open(ctx, fmt.Sprintf("growth%d", share))
		if err != nil {
			return err
		}
		if stores[i], err = b.fillStore(ctx, store, share); err != nil {
			return err
		}
	}
	if err := settle(ctx); err != nil {
		return err
	}
	for _, step := range callsThatDoNotGrow {
		names := [2]string{"a tenth", "all"}
		c := contest{point: 7, same: same, verdicts: []verdict{
			{what: engine + ", " + step.what + ", ten times the data", unit: typicalTime, ours: names[1], other: names[0], goal: atMost(1.3)},
		}}
		for i, store := range stores {
			at := 0
			c.contenders = append(c.contenders, load{1, b.sample}.each(names[i], func(ctx context.Context, _ int) error {
				at++
				n, err := step.call(ctx, store, at)
				if err != nil {
					return err
				}
				return wantCount(n, step.want)
			}))
		}
		if err := b.hold(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// growthOfSearch is the part of point 7 about searching, where a filter selects as
// many documents however many there are.
func growthOfSearch(ctx context.Context, b *bench) error {
	const selected = 50
	total := documents
	if b.quick {
		total /= 5
	}
	one := load{1, b.sample}
	queries := makeQueries(20)
	c := contest{point: 7, same: "one kind of filter, which selects as many documents in both"}
	for _, n := range []int{total / 10, total} {
		store, err := b.openSQLite(ctx)
		if err != nil {
			return err
		}
		if err := fillCollection(ctx, store.Vectors, makeDocuments(n)); err != nil {
			return err
		}
		below := selected * buckets / n
		at := 0
		c.contenders = append(c.contenders, one.each(fmt.Sprintf("%d documents", n), func(ctx context.Context, _ int) error {
			at++
			result, err := searchFor(ctx, store.Vectors, queries[at%len(queries)], below)
			if err != nil {
				return err
			}
			return wantCount(len(result.Matches), nearest)
		}))
	}
	c.verdicts = []verdict{{
		what: "SQLite, search with a filter, ten times the documents", unit: typicalTime, ours: c.contenders[1].name, other: c.contenders[0].name, goal: atMost(1.3),
		note: "without a filter exact search is linear",
	}}
	return b.hold(ctx, c)
}
