package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/dbos-inc/dbos-transact-golang/dbos"
	_ "github.com/dbos-inc/dbos-transact-golang/dbos/driver/sqlite"
	"golang.org/x/sync/errgroup"

	"github.com/enactdev/enact"
)

// stepsPerWorkflow is how many steps a workflow of the peer runs before another
// begins.
const stepsPerWorkflow = 50

// stepsAgainstDBOS compares the recording of steps on SQLite and PostgreSQL.
func stepsAgainstDBOS(ctx context.Context, b *bench) error {
	path, err := b.newPath("dbos")
	if err != nil {
		return err
	}
	err = b.scope(func() error {
		store, err := b.openSQLite(ctx)
		if err != nil {
			return err
		}
		return b.holdSteps(ctx, "SQLite", "ours WAL with synchronous=FULL; DBOS at its own settings, WAL with synchronous=NORMAL, which syncs no commit", store, "sqlite:"+path)
	})
	if err != nil {
		return err
	}
	server, err := b.postgresServer(4, "PostgreSQL, steps against DBOS")
	if server == nil {
		return err
	}
	return b.scope(func() error {
		store, err := b.openPostgres(ctx, server, "point4")
		if err != nil {
			return err
		}
		return b.holdSteps(ctx, "PostgreSQL", "one server with its defaults, fsync and synchronous_commit on; each at its own settings", store, server.LoopbackDSN())
	})
}

func (b *bench) holdSteps(ctx context.Context, engine, same string, store *enact.Tenant, url string) error {
	peer, err := b.startDBOS(ctx, url)
	if err != nil {
		return err
	}
	c := contest{point: 4, same: same}
	for _, n := range []int{1, manyGoroutines} {
		l := load{n, b.sample}
		ours, other := fmt.Sprintf("enact, %d at a time", n), fmt.Sprintf("DBOS, %d at a time", n)
		c.contenders = append(c.contenders, recordSteps(l, ours, store.Events), contender{other, func(ctx context.Context) (figures, error) { return peer.steps(ctx, l) }})
		c.verdicts = append(c.verdicts, verdict{
			what: fmt.Sprintf("%s, steps recorded, workflows at a time: %d", engine, n), unit: perSecond, ours: ours, other: other, goal: atLeast(1),
			note: "both record one row a step: its output of 256 bytes",
		})
	}
	return b.hold(ctx, c)
}

// recordSteps makes a contender that records steps of executions as events.
func recordSteps(l load, name string, events *enact.EventStore) contender {
	output := fmt.Appendf(nil, "%q", stepOutput)
	return l.each(name, func(ctx context.Context, g int) error {
		_, err := events.Append(ctx, executionOf(g), enact.Expectation{}, enact.StepCompleted{Step: "step", Output: output, Duration: time.Millisecond})
		return err
	})
}

var stepOutput = fmt.Sprintf("%x", randomBytes(payloadBytes/2))

// dbosPeer is DBOS Transact with one workflow, which records steps.
type dbosPeer struct{ ctx dbos.Context }

func (b *bench) startDBOS(ctx context.Context, url string) (*dbosPeer, error) {
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	peer, err := dbos.NewContext(ctx, dbos.Config{AppName: "bench", DatabaseURL: url, Logger: quiet})
	if err != nil {
		return nil, err
	}
	b.cleanup(func() error { return dbos.Shutdown(peer, 10*time.Second) })
	dbos.RegisterWorkflow(peer, stepsUntil)
	return &dbosPeer{peer}, dbos.Launch(peer)
}

// stepsUntil is a workflow that runs some steps, at least one and no more when the
// time is over, and returns how many.
func stepsUntil(ctx dbos.Context, end time.Time) (int, error) {
	for n := 1; ; n++ {
		if _, err := dbos.RunAsStep(ctx, func(context.Context) (string, error) { return stepOutput, nil }); err != nil {
			return n, err
		}
		if n == stepsPerWorkflow || time.Now().After(end) {
			return n, nil
		}
	}
}

// steps runs workflows side by side, one after the other in each goroutine.
func (p *dbosPeer) steps(_ context.Context, l load) (figures, error) {
	begin := time.Now()
	end := begin.Add(l.duration)
	counts := make([]int, l.goroutines)
	var group errgroup.Group
	for g := range l.goroutines {
		group.Go(func() error {
			for time.Now().Before(end) {
				handle, err := dbos.RunWorkflow(p.ctx, stepsUntil, end)
				if err != nil {
					return err
				}
				n, err := handle.GetResult()
				if err != nil {
					return err
				}
				counts[g] += n
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	return figures{perSecond: float64(total) / time.Since(begin).Seconds()}, nil
}
