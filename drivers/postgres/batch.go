package postgres

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/enactdev/enact/driver"
)

// commitsAtOnce is where more commits at once, each with fewer appends, no longer
// store more of them.
const commitsAtOnce = 2

// CommitsAtOnce implements driver.EventBatcher.
func (b *backend) CommitsAtOnce() int { return min(commitsAtOnce, int(b.pool.Config().MaxConns)) }

// appendTogether stores appends that are all as expected, with IDs that are all new;
// appendEach stores one after the other. See version3Append.
const (
	appendTogether = `SELECT enact.append_together($1::bool, $2::text[], $3::text[], $4::bigint[], $5::bigint[],
		$6::int[], $7::int[], $8::bytea[], $9::text[], $10::bytea[], $11::timestamptz[], $12::text, $13::text[])`
	appendEach = `SELECT a.outcome, a.last, coalesce(a.place, 0)
		FROM unnest($2::int[], $3::bigint[], $4::int[], $5::int[]) AS g (owner, expected, first, behind), LATERAL enact.append(
			$1::bool, ($6::text[])[g.owner], ($7::text[])[g.owner], g.expected,
			($8::bytea[])[g.first:g.behind], ($9::text[])[g.first:g.behind], ($10::bytea[])[g.first:g.behind], ($11::timestamptz[])[g.first:g.behind],
			$12::text, ($13::text[])[g.owner]) a`
)

// AppendEach implements driver.EventBatcher.
func (b *backend) AppendEach(ctx context.Context, appends []driver.Append) []driver.AppendResult {
	g := b.gather(appends)
	results := make([]driver.AppendResult, len(appends))
	err := b.writeOnce(ctx, func(ctx context.Context, q querier) error {
		if done, err := b.appendTogether(ctx, q, g, results); done || err != nil {
			return err
		}
		return b.appendOneByOne(ctx, q, g, results)
	})
	if err != nil {
		return driver.AllFailed(appends, err)
	}
	for i, r := range results {
		if r.Err == nil {
			b.lasts.remember(executionName{string(appends[i].Tenant), string(appends[i].Execution)}, r.Last)
		}
	}
	return results
}

// appendTogether says whether it has done all of it; otherwise it has done nothing.
func (b *backend) appendTogether(ctx context.Context, q querier, g *gathered, results []driver.AppendResult) (done bool, err error) {
	if g.contradictory {
		return false, nil
	}
	befores, err := b.callTogether(ctx, q, g)
	switch {
	case err != nil || befores == nil:
		return false, err
	case len(befores) == 0:
		return false, b.whyLossy(ctx, q)
	case len(befores) != len(g.executions):
		return false, fmt.Errorf("postgres: appends to %d executions have %d outcomes; the function append_together in schema %q is not this release's", len(g.executions), len(befores), b.schema)
	}
	for _, m := range g.members {
		results[m.at].Last = uint64(befores[m.owner-1]) + uint64(m.offset) + uint64(len(m.append.Events))
	}
	return true, nil
}

func (b *backend) callTogether(ctx context.Context, q querier, g *gathered) (befores []int64, err error) {
	if holder, ok := q.(interface{ Conn() *pgx.Conn }); ok && b.encodes {
		return b.callEncoded(ctx, holder.Conn().PgConn(), g)
	}
	c := g.columns(b.notify)
	var implied []*int64
	if g.anyImplied {
		implied = c.implied
	}
	var times []*time.Time
	if g.anyTime {
		times = c.times
	}
	err = q.QueryRow(ctx, b.sql(appendTogether), b.mayLoseData, c.tenants, c.executions, implied, c.hints,
		c.keepers, c.places, c.ids, c.types, c.payloads, times, b.channel(), c.topics).Scan(&befores)
	return befores, err
}

var binaryFormat = []int16{pgx.BinaryFormatCode}

// callEncoded is callTogether without pgx's encoding.
func (b *backend) callEncoded(ctx context.Context, conn *pgconn.PgConn, g *gathered) (befores []int64, err error) {
	p := newParameters()
	g.encode(p, b.mayLoseData, b.channel())
	result := conn.ExecParams(ctx, b.sql(appendTogether), p.encoded(), nil, binaryFormat, binaryFormat)
	var wrong error
	for result.NextRow() {
		befores, wrong = int8Array(result.Values()[0])
	}
	_, err = result.Close()
	p.free()
	return befores, cmp.Or(err, wrong)
}

// channel is where appends are told of, nil if they are not.
func (b *backend) channel() *string {
	if b.notify {
		return new(channelOf(b.schema))
	}
	return nil
}

// appendOneByOne does one append after the other.
func (b *backend) appendOneByOne(ctx context.Context, q querier, g *gathered, results []driver.AppendResult) error {
	n := len(g.members)
	owners, firsts, behinds, expected := make([]int32, n), make([]int32, n), make([]int32, n), make([]*int64, n)
	behind := int32(0)
	for i, m := range g.members {
		owners[i], firsts[i], behinds[i] = m.owner, behind+1, behind+int32(len(m.append.Events))
		behind = behinds[i]
		if last, stated := m.append.Expect.Last(); stated {
			expected[i] = new(int64(min(last, maxSequence)))
		}
	}
	c := g.columns(b.notify)
	rows, err := q.Query(ctx, b.sql(appendEach), b.mayLoseData, owners, expected, firsts, behinds,
		c.tenants, c.executions, c.ids, c.types, c.payloads, c.times, b.channel(), c.topics)
	if err != nil {
		return err
	}
	done, lossy := 0, false
	var outcome string
	var last uint64
	var place int
	_, err = pgx.ForEachRow(rows, []any{&outcome, &last, &place}, func() error {
		if done < n {
			results[g.members[done].at] = b.outcomeOf(g.members[done].append, outcome, last, place)
		}
		done++
		lossy = lossy || outcome == "lossy"
		return nil
	})
	switch {
	case err != nil:
		return err
	case lossy:
		return b.whyLossy(ctx, q)
	case done != n:
		return fmt.Errorf("postgres: %d appends have %d outcomes; the function append in schema %q is not this release's", n, done, b.schema)
	}
	return nil
}

// outcomeOf is what the function append means.
func (b *backend) outcomeOf(a *driver.Append, outcome string, last uint64, place int) (r driver.AppendResult) {
	switch {
	case outcome == "done", outcome == "repeated":
		r.Last = last
	case outcome == "taken" && place >= 1 && place <= len(a.Events):
		r.Err = &driver.ConflictError{Subject: fmt.Sprintf("execution %q", a.Execution), Event: a.Events[place-1].ID, Actual: last}
	default:
		if r.Err = a.Expect.Check(a.Execution, last); r.Err == nil {
			r.Err = fmt.Errorf("postgres: append to execution %q ended with %q; the function append in schema %q is not this release's", a.Execution, outcome, b.schema)
		}
	}
	return r
}
