package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

const eventsPerProcess = 2000

// childAppends appends events one by one to an execution, for anybody's sequence.
// Its arguments are the DSN, the execution and its own name.
func childAppends(ctx context.Context, args []string) error {
	dsn, execution, name := args[0], driver.ExecutionID(args[1]), args[2]
	return withStore(ctx, dsn, func(b *backend) error {
		if err := testkit.Ready(); err != nil {
			return err
		}
		s := b.Tenant("t").Events
		last := uint64(0)
		for i := range eventsPerProcess {
			got, err := s.Append(ctx, execution, driver.Expectation{}, []driver.Event{testkit.Numbered(name, i)})
			if err != nil {
				return fmt.Errorf("append event %d: %w", i, err)
			}
			if got <= last {
				return fmt.Errorf("event %d got sequence %d after %d", i, got, last)
			}
			last = got
		}
		return nil
	})
}

// TestProcessesAppend: two processes write one file at once; there is no error, no
// gap, no loss and no duplicate, and each one's events are in its order (E2, B7).
func TestProcessesAppend(t *testing.T) {
	t.Parallel()
	for name, executions := range map[string][2]string{
		"to the same execution":   {"shared", "shared"},
		"to different executions": {"first", "second"},
	} {
		t.Run(name, func(t *testing.T) {
			path := newFile(t)
			children := []*testkit.Child{
				testkit.StartChild(t, "append", dsnFor(path), executions[0], "a"),
				testkit.StartChild(t, "append", dsnFor(path), executions[1], "b"),
			}
			testkit.StartTogether(children...)
			for _, c := range children {
				c.Rest()
			}
			s := open(t, dsnFor(path)).Tenant("t").Events
			written := map[string]int{}
			for _, execution := range slices.Compact(executions[:]) {
				for _, e := range load(t, s, driver.ExecutionID(execution)) {
					want := testkit.Numbered(e.Type, written[e.Type])
					if e.ID != want.ID || string(e.Payload) != string(want.Payload) {
						t.Fatalf("execution %q, sequence %d holds event %q with payload %q, want %q with %q, in the order of process %s", execution, e.Sequence, e.ID, e.Payload, want.ID, want.Payload, e.Type)
					}
					written[e.Type]++
				}
			}
			if want := map[string]int{"a": eventsPerProcess, "b": eventsPerProcess}; !maps.Equal(written, want) {
				t.Errorf("events of each process in the file: %v, want %v", written, want)
			}
			checkIntegrity(t, path)
		})
	}
}

const racedSequences = 400

// childRaces tries, for each sequence that it is told to expect as the last, to
// write the next one, and prints "won" or "lost" with the sequence that is last then.
func childRaces(ctx context.Context, args []string) error {
	dsn, name := args[0], args[1]
	return withStore(ctx, dsn, func(b *backend) error {
		s := b.Tenant("t").Events
		for {
			var expected uint64
			if _, err := fmt.Scanln(&expected); err != nil {
				return nil // no more lines
			}
			last, err := s.Append(ctx, "raced", driver.ExpectLast(expected), []driver.Event{testkit.Numbered(name, int(expected))})
			conflict, lost := errors.AsType[*driver.ConflictError](err)
			switch {
			case err == nil:
				fmt.Println("won", last)
			case lost && conflict.Expected == expected:
				fmt.Println("lost", conflict.Actual)
			default:
				return err
			}
		}
	})
}

// TestProcessesExpectingTheSame lets two processes race for every sequence: exactly
// one wins, the other learns the actual one and leaves nothing behind (E5).
func TestProcessesExpectingTheSame(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	names := []string{"a", "b"}
	racers := []*testkit.Child{testkit.StartChild(t, "race", dsnFor(path), names[0]), testkit.StartChild(t, "race", dsnFor(path), names[1])}
	winners := make([]string, racedSequences)
	wins := map[string]int{}
	for i := range winners {
		for _, c := range racers {
			c.Say(strconv.Itoa(i))
		}
		won, lost := fmt.Sprint("won ", i+1), fmt.Sprint("lost ", i+1)
		switch answers := [2]string{racers[0].Line(), racers[1].Line()}; answers {
		case [2]string{won, lost}:
			winners[i] = names[0]
		case [2]string{lost, won}:
			winners[i] = names[1]
		default:
			t.Fatalf("two processes that expected %d as last sequence: %q, want one %q and one %q (E5)", i, answers, won, lost)
		}
		wins[winners[i]]++
	}
	for _, c := range racers {
		testkit.Check(t, c.In.Close())
		c.Rest()
	}
	history := load(t, open(t, dsnFor(path)).Tenant("t").Events, "raced")
	if len(history) != racedSequences {
		t.Errorf("%d events are stored, want one for each of %d sequences", len(history), racedSequences)
	}
	for i, e := range history {
		want := testkit.Numbered(winners[i], i)
		if e.ID != want.ID || string(e.Payload) != string(want.Payload) {
			t.Errorf("sequence %d was won by %q and holds event %q, want %q", e.Sequence, winners[i], e.ID, want.ID)
		}
	}
	t.Logf("won: %v", wins)
}

// childOpens opens a store at the same moment as others and writes an event.
func childOpens(ctx context.Context, args []string) error {
	if err := testkit.Ready(); err != nil {
		return err
	}
	return withStore(ctx, args[0], func(b *backend) error {
		if err := b.HealthCheck(ctx); err != nil {
			return err
		}
		_, err := b.Tenant("t").Events.Append(ctx, driver.ExecutionID(args[1]), driver.ExpectLast(0), []driver.Event{testkit.Numbered(args[1], 0)})
		return err
	})
}

// TestProcessesOpenAFreshFile: ten processes find no file at the same moment; all
// succeed and the schema is made once.
func TestProcessesOpenAFreshFile(t *testing.T) {
	t.Parallel()
	for range 2 {
		path := newFile(t)
		var children []*testkit.Child
		var names []string
		for i := range 10 {
			names = append(names, strconv.Itoa(i))
			children = append(children, testkit.StartChild(t, "open", dsnFor(path, "readers=1"), names[i]))
		}
		testkit.StartTogether(children...)
		for _, c := range children {
			c.Rest()
		}
		checkSchema(t, path)
		checkIntegrity(t, path)
		s := open(t, dsnFor(path)).Tenant("t").Events
		for _, name := range names {
			if history := load(t, s, driver.ExecutionID(name)); len(history) != 1 || history[0].ID != testkit.Numbered(name, 0).ID {
				t.Errorf("the event of process %s is not in the file: %+v", name, history)
			}
		}
	}
}

// TestHandlesOpenAFreshFile is the same inside one process, whose handles share the
// locks of the operating system.
func TestHandlesOpenAFreshFile(t *testing.T) {
	t.Parallel()
	for range 2 {
		path := newFile(t)
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range 10 {
			all.Go(func() {
				<-start
				err := withStore(t.Context(), dsnFor(path), func(b *backend) error {
					_, err := b.Tenant("t").Events.Append(t.Context(), "shared", driver.Expectation{}, []driver.Event{testkit.Numbered(strconv.Itoa(i), 0)})
					return err
				})
				if err != nil {
					t.Errorf("one of 10 that open a fresh file at once: %v", err)
				}
			})
		}
		close(start)
		testkit.Within(t, "opening a fresh file 10 times at once", all.Wait)
		checkSchema(t, path)
		checkIntegrity(t, path)
		if n := len(load(t, open(t, dsnFor(path)).Tenant("t").Events, "shared")); n != 10 {
			t.Errorf("%d events are in the file, want one of each of 10 handles", n)
		}
	}
}

// modelSchema is the schema of a file that was made in peace.
var modelSchema struct {
	sync.Once
	text string
}

// checkSchema compares the schema of a file with the model.
func checkSchema(t testing.TB, path string) {
	t.Helper()
	modelSchema.Do(func() {
		model := newFile(t)
		shutdown(t, open(t, dsnFor(model)))
		modelSchema.text = schemaOf(t, model)
	})
	if got := schemaOf(t, path); got != modelSchema.text {
		t.Errorf("the schema of %s is\n%s\nwant\n%s", path, got, modelSchema.text)
	}
}

func schemaOf(t testing.TB, path string) string {
	t.Helper()
	db := outside(t, path)
	defer db.Close()
	return fmt.Sprintf("application %d, version %d, floors %d\n%s",
		valueOf[int](t, db, "PRAGMA application_id"), valueOf[int](t, db, "PRAGMA user_version"), valueOf[int](t, db, "SELECT count(*) FROM state_floor"),
		valueOf[string](t, db, "SELECT group_concat(type || ' ' || name || ': ' || coalesce(sql, ''), char(10) ORDER BY name) FROM sqlite_schema"))
}

const countsPerProcess = 500

// childCounts adds to a counter with a conditional set, as often as it takes.
func childCounts(ctx context.Context, args []string) error {
	return withStore(ctx, args[0], func(b *backend) error {
		if err := testkit.Ready(); err != nil {
			return err
		}
		s := b.Tenant("t").State
		for done := 0; done < countsPerProcess; {
			entry, err := s.Get(ctx, "counter")
			if errors.Is(err, driver.ErrNotFound) {
				entry.Value, err = []byte("0"), nil
			}
			if err != nil {
				return err
			}
			count, err := strconv.Atoi(string(entry.Value))
			if err != nil {
				return err
			}
			_, err = s.Set(ctx, "counter", strconv.AppendInt(nil, int64(count+1), 10), driver.SetOptions{When: driver.IfVersion(entry.Version)})
			switch {
			case err == nil:
				done++
			case !errors.Is(err, driver.ErrConflict):
				return err
			}
		}
		return nil
	})
}

// TestProcessesCount: a conditional set has exactly one winner, in any process
// (S3). The counter begins as a key that does not exist, so "create only" is raced
// for, too.
func TestProcessesCount(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	children := []*testkit.Child{testkit.StartChild(t, "count", dsnFor(path)), testkit.StartChild(t, "count", dsnFor(path))}
	testkit.StartTogether(children...)
	for _, c := range children {
		c.Rest()
	}
	s := open(t, dsnFor(path)).Tenant("t").State
	entry := testkit.Must(s.Get(t.Context(), "counter"))(t)
	if want := strconv.Itoa(2 * countsPerProcess); string(entry.Value) != want || entry.Version != 2*countsPerProcess {
		t.Errorf("the counter is %s at version %d after 2 processes added 1 %d times each, want %s (S3: no update is lost)", entry.Value, entry.Version, countsPerProcess, want)
	}
}

const pointsName = "points"

// point is a document whose embedding tells which one it is, and in which round it
// was written.
func point(i, round int) driver.Document {
	return driver.Document{ID: fmt.Sprintf("doc-%04d", i), Metadata: []byte(fmt.Sprintf(`{"round":%d}`, round)), Embedding: []float32{float32(i), float32(round)}}
}

// points are the documents that should be in the collection: their rounds by
// number.
type points map[int]int

// childChangesDocuments does what the lines say that it reads: "put I ROUND" for
// one document, "delete FROM TO" for one call, "delete-each FROM TO" for a call a
// document. It prints "done" after each.
func childChangesDocuments(ctx context.Context, args []string) error {
	return withStore(ctx, args[0], func(b *backend) error {
		for {
			var operation string
			var x, y int
			if _, err := fmt.Scanln(&operation, &x, &y); err != nil {
				return nil // no more lines
			}
			if err := changeDocuments(ctx, b.Tenant("t").Vectors, operation, x, y); err != nil {
				return err
			}
			fmt.Println("done")
		}
	})
}

func changeDocuments(ctx context.Context, s driver.VectorStore, operation string, x, y int) error {
	switch operation {
	case "put":
		return s.Upsert(ctx, pointsName, []driver.Document{point(x, y)})
	case "put-all":
		docs := make([]driver.Document, x)
		for i := range docs {
			docs[i] = point(i, y)
		}
		return s.Upsert(ctx, pointsName, docs)
	case "delete":
		var ids []string
		for i := x; i < y; i++ {
			ids = append(ids, point(i, 0).ID)
		}
		return s.Delete(ctx, pointsName, ids)
	case "delete-each":
		for i := x; i < y; i++ {
			if err := s.Delete(ctx, pointsName, []string{point(i, 0).ID}); err != nil {
				return err
			}
		}
		return nil
	case "renew": // the collection itself
		if err := s.DeleteCollection(ctx, pointsName); err != nil {
			return err
		}
		return s.EnsureCollection(ctx, driver.Collection{Name: pointsName, Dimension: 2, Metric: driver.Euclidean})
	}
	return fmt.Errorf("unknown operation %q", operation)
}

// change applies an operation to what is expected.
func (p points) change(operation string, x, y int) {
	switch operation {
	case "put":
		p[x] = y
	case "put-all":
		for i := range x {
			p[i] = y
		}
	case "delete", "delete-each":
		for i := x; i < y; i++ {
			delete(p, i)
		}
	case "renew":
		clear(p)
	}
}

// checkSearch searches for everything, without a filter and with one, and compares.
func (p points) checkSearch(t testing.TB, s driver.VectorStore, after string) {
	t.Helper()
	searches := map[string]driver.Filter{"without a filter": {}, "with a filter": driver.Exists("round")}
	for _, round := range p {
		searches[fmt.Sprint("for round ", round)] = driver.Eq("round", driver.Int(int64(round)))
	}
	for filterName, filter := range searches {
		result, err := s.Search(context.Background(), pointsName, driver.Query{Embedding: []float32{0, 0}, Limit: driver.MaxResults, Filter: filter, Fields: driver.Fields{Embedding: true, Metadata: true}})
		if err != nil {
			t.Fatalf("search after %s: %v", after, err)
		}
		var got, want []string
		for _, m := range result.Matches {
			got = append(got, fmt.Sprintf("%s %v %s %v", m.ID, m.Embedding, m.Metadata, m.Score))
		}
		for i, round := range p {
			d := point(i, round)
			if filter.Op == driver.OpEq && !filter.Values[0].Equal(driver.Int(int64(round))) {
				continue
			}
			want = append(want, fmt.Sprintf("%s %v %s %v", d.ID, d.Embedding, d.Metadata, driver.Score(driver.Euclidean, []float32{0, 0}, d.Embedding)))
		}
		if !sameSet(got, want) {
			t.Fatalf("search %s after %s returned %d documents that are not the %d that are stored; too much: %.5q; missing: %.5q", filterName, after, len(got), len(want), without(got, want), without(want, got))
		}
	}
	info, err := s.GetCollection(context.Background(), pointsName)
	if err != nil || info.Count != uint64(len(p)) {
		t.Fatalf("after %s the collection counts %d documents (%v), want %d", after, info.Count, err, len(p))
	}
}

func without(a, b []string) []string {
	in := map[string]bool{}
	for _, s := range b {
		in[s] = true
	}
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return in[s] })
}

// changesOfDocuments are made between searches. They cross, on both sides, the
// bounds of what is listed for a copy in memory: so many versions, and so many
// removals in one call, and one more.
var changesOfDocuments = []string{
	"put-all 900 1",
	"put 3 2",             // replaced
	"put 900 2",           // added
	"delete 900 901",      // its key is free again
	"put 901 3",           // and taken by another document
	"delete 7 8",          // in the middle
	"put 7 4",             // back again
	"delete-each 100 356", // 256 versions
	"delete-each 356 613", // 257
	"delete 613 870",      // 257 removals in one call
	"put 700 5",
	"delete 0 910", // everything
	"put 9 6",
	"renew 0 0", // another collection of the same name
	"put-all 10 7",
	"delete 0 10",
	"put-all 20 8",
}

// changesByAnotherProcess are fewer, for the time that they take.
var changesByAnotherProcess = []string{
	"put-all 560 1",
	"put 3 2",
	"put 560 2",
	"delete 560 561",
	"put 561 3",
	"delete-each 7 10",
	"delete-each 10 270",
	"delete 270 550",
	"put 300 4",
	"renew 0 0",
	"put-all 10 5",
}

// TestSearchSeesOtherHandles: a collection that is cached by one handle is changed
// by another (B7).
func TestSearchSeesOtherHandles(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	searcher, writer := open(t, dsnFor(path)), open(t, dsnFor(path))
	testSearchSees(t, searcher, changesOfDocuments, func(operation string, x, y int) {
		testkit.Check(t, changeDocuments(t.Context(), writer.Tenant("t").Vectors, operation, x, y))
	})
}

// TestSearchSeesOtherProcesses is the same with another process.
func TestSearchSeesOtherProcesses(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	searcher := open(t, dsnFor(path))
	c := testkit.StartChild(t, "docs", dsnFor(path))
	testSearchSees(t, searcher, changesByAnotherProcess, func(operation string, x, y int) {
		c.Say(fmt.Sprintf("%s %d %d", operation, x, y))
		if got := c.Line(); got != "done" {
			t.Fatalf("the child printed %q after %s, want \"done\"", got, operation)
		}
	})
	testkit.Check(t, c.In.Close())
	c.Rest()
}

func testSearchSees(t *testing.T, searcher *backend, changes []string, change func(operation string, x, y int)) {
	s := searcher.Tenant("t").Vectors
	testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: pointsName, Dimension: 2, Metric: driver.Euclidean}))
	stored := points{}
	stored.checkSearch(t, s, "nothing")
	for _, line := range changes {
		var operation string
		var x, y int
		testkit.Must(fmt.Sscan(line, &operation, &x, &y))(t)
		change(operation, x, y)
		stored.change(operation, x, y)
		stored.checkSearch(t, s, strconv.Quote(line))
	}
}

// TestRemovalsDoNotPileUp: what is listed for the copies in memory is bounded.
func TestRemovalsDoNotPileUp(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	s := open(t, dsnFor(path)).Tenant("t").Vectors
	testkit.Check(t, s.EnsureCollection(t.Context(), driver.Collection{Name: pointsName, Dimension: 2, Metric: driver.Euclidean}))
	db := outside(t, path)
	for _, line := range []string{"put-all 700 1", "delete-each 0 300", "delete 300 500", "delete 500 700"} {
		var operation string
		var x, y int
		testkit.Must(fmt.Sscan(line, &operation, &x, &y))(t)
		testkit.Check(t, changeDocuments(t.Context(), s, operation, x, y))
		if n := valueOf[int](t, db, "SELECT count(DISTINCT version) FROM removals"); n > listedVersions {
			t.Errorf("after %q the removals of %d versions are listed, want at most %d", line, n, listedVersions)
		}
	}
	testkit.Check(t, changeDocuments(t.Context(), s, "put-all", 20, 2))
	testkit.Check(t, changeDocuments(t.Context(), s, "delete", 3, 7))
	testkit.Check(t, s.DeleteCollection(t.Context(), pointsName))
	for _, table := range []string{"collections", "documents", "removals", "attributes"} {
		if n := valueOf[int](t, db, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("%d rows are left in %s after the only collection was deleted, want none", n, table)
		}
	}
}

// TestProcessesShareNoFolderLitter: when all are gone only the file is left.
func TestProcessesShareNoFolderLitter(t *testing.T) {
	path := newFile(t)
	a, b := testkit.StartChild(t, "open", dsnFor(path), "a"), testkit.StartChild(t, "open", dsnFor(path), "b")
	testkit.StartTogether(a, b)
	a.Rest()
	b.Rest()
	if names := namesIn(t, filepath.Dir(path)); strings.Join(names, " ") != "enact.db" {
		t.Errorf("after both processes have shut down the folder holds %q, want the file alone", names)
	}
}
