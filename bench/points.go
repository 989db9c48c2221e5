package main

import (
	"context"
	"time"
)

// points are what is measured, in this order. What one opens is closed before the
// next begins.
var points = []struct {
	number  int
	what    string
	measure func(context.Context, *bench) error
}{
	{1, "one writer", sqliteOneWriter},
	{2, "64 goroutines", sqliteManyWriters},
	{3, "64 goroutines", postgresManyWriters},
	{4, "steps recorded, against DBOS", stepsAgainstDBOS},
	{4, "histories loaded", historiesAgainstScan},
	{5, "SQLite, get and set", stateOfSQLite},
	{5, "Redis, get and set", stateOfRedis},
	{5, "Redis, bulk get and set", bulkOfRedis},
	{6, "SQLite, searches", searchesOfSQLite},
	{6, "SQLite, opening a collection", openingOfCollection},
	{6, "SQLite, upserts", upsertsOfDocuments},
	{7, "calls with ten times the data", growthOfStores},
	{7, "SQLite, search with ten times the documents", growthOfSearch},
	{7, "SQLite, rehydration", rehydration},
	{7, "bytes on disk", sizeOfEvents},
	{8, "allocations of an append", allocationsOfAppend},
}

// titles name the points.
var titles = map[int]string{
	1: "SQLite, one writer",
	2: "SQLite, 64 goroutines",
	3: "PostgreSQL, 64 goroutines",
	4: "Against peers, and histories",
	5: "State",
	6: "Vectors, embedded",
	7: "Growth",
	8: "Allocations",
}

// run measures the points that are wanted. Those that a quick run has no time for
// on this machine are named in the report.
func (b *bench) run(ctx context.Context, wanted func(point int) bool) error {
	began, title := time.Now(), 0
	for _, p := range points {
		if !wanted(p.number) {
			continue
		}
		if p.number != title {
			title = p.number
			b.log("%d. %s", title, titles[title])
		}
		if b.quick && time.Since(began) > quickBegins {
			b.add(skipped(p.number, p.what, "the time of -quick was over on this machine"))
			continue
		}
		if err := b.scope(func() error { return p.measure(ctx, b) }); err != nil {
			return err
		}
	}
	return nil
}
