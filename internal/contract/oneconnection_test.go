package contract_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact"
)

// TestB4InFlightLoadFinishes: Shutdown waits for a loop that is under way, which
// sees everything.
func TestB4InFlightLoadFinishes(t *testing.T) {
	onEach(t, oneConnection, func(f *fixture) {
		const n = 1500 // more than one piece
		mustAppend(f, f.tenant(), "run", facts("event", 1, n)...)
		var done <-chan struct{}
		var result *error
		seen := 0
		for e, err := range f.tenant().Events.Load(f.ctx, "run", 0) {
			must(f, fmt.Sprintf("loading event %d while the backend shuts down", seen+1), err)
			if seen++; e.Sequence != uint64(seen) {
				f.Fatalf("event %d came where %d belongs", e.Sequence, seen)
			}
			if seen == 1 {
				done, result = shuttingDown(f, f.ctx)
			}
			select {
			case <-done:
				f.Fatalf("Shutdown returned (%v) while a loop was at event %d", *result, seen)
			default:
			}
		}
		mustEqual(f, "the number of events that the loop saw", seen, n)
		ended(f, "Shutdown after the last loop", done)
		must(f, "Shutdown", *result)
	})
}

// TestB4ShutdownEndsByItsContext: a loop that does not end holds Shutdown up until
// its context is done, and is then ended itself. It must not look complete.
func TestB4ShutdownEndsByItsContext(t *testing.T) {
	onEach(t, oneConnection, func(f *fixture) {
		const n = 3000 // several pieces
		mustAppend(f, f.tenant(), "run", facts("event", 1, n)...)
		ctx, cancel := context.WithCancel(f.ctx)
		defer cancel()
		var last uint64
		var failed error
		for e, err := range f.tenant().Events.Load(f.ctx, "run", 0) {
			if err != nil {
				failed = err
				continue // an error is the last thing to come
			}
			if failed != nil || e.Sequence != last+1 {
				f.Fatalf("event %d came after event %d and the error %v", e.Sequence, last, failed)
			}
			if last = e.Sequence; last == 1 {
				done, result := shuttingDown(f, ctx)
				cancel()
				ended(f, "Shutdown whose context is done", done)
				mustFail(f, "Shutdown whose context ended first", *result, context.Canceled)
			}
		}
		must(f, "Shutdown again", f.rt.Shutdown(f.ctx))
		mustFail(f, fmt.Sprintf("a loop of %d events that goes on after Shutdown gave up, and has seen %d,", n, last), failed, enact.ErrClosed)
	})
}

// shuttingDown begins a Shutdown in the background and returns when calls are
// refused.
func shuttingDown(f *fixture, ctx context.Context) (done <-chan struct{}, result *error) {
	f.Helper()
	result = new(error)
	done = inBackground(func() { *result = f.rt.Shutdown(ctx) })
	for begin := time.Now(); ; runtime.Gosched() {
		if _, err := f.tenant().Events.LatestSequence(f.ctx, "run"); errors.Is(err, enact.ErrClosed) {
			return done, result
		}
		if time.Since(begin) > patience {
			f.Fatalf("calls are not refused %v after Shutdown began", patience)
		}
	}
}

// cancelledAfter is a context that is cancelled after the d-th time that somebody
// asks it, which reaches every place where a call looks at its context.
type cancelledAfter struct {
	context.Context
	left *int
}

func (c cancelledAfter) Err() error {
	if *c.left--; *c.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestB6CancelledInsideAWrite: whole or not at all, wherever the context ends.
func TestB6CancelledInsideAWrite(t *testing.T) {
	onEach(t, oneConnection, func(f *fixture) {
		tenant := f.tenant()
		calls := map[string]func(context.Context, int) error{
			"Append": func(ctx context.Context, n int) error {
				_, err := tenant.Events.Append(ctx, "run", enact.ExpectAny(), facts(fmt.Sprint("try ", n), 0, 20)...)
				return err
			},
			"Upsert": func(ctx context.Context, n int) error {
				var docs []enact.Document
				for i := range 20 {
					docs = append(docs, enact.Document{ID: fmt.Sprint(i), Metadata: fmt.Appendf(nil, `{"try":%d}`, n), Embedding: []float32{float32(n)}})
				}
				return tenant.Vectors.Upsert(ctx, "c", docs...)
			},
			"Delete": func(ctx context.Context, n int) error {
				var ids []string
				for i := range 20 {
					ids = append(ids, fmt.Sprint(i))
				}
				return tenant.Vectors.Delete(ctx, "c", ids...)
			},
			"CreateMessage": func(ctx context.Context, n int) error {
				_, err := tenant.Messages.CreateMessage(ctx, said("t", enact.MessageID(fmt.Sprint("try ", n)), "x"))
				return err
			},
			"DeleteCollection": func(ctx context.Context, n int) error { return tenant.Vectors.DeleteCollection(ctx, "c") },
		}
		mustCreateThread(f, tenant, enact.Thread{ID: "t", User: "ann"})
		for _, name := range []string{"Append", "Upsert", "CreateMessage", "Delete", "DeleteCollection"} {
			mustEnsure(f, tenant, "c", 1, enact.Dot)
			before := contentsOf(f, tenant, "ann")
			tries := 0
			for err := context.Canceled; err != nil; tries++ {
				left := tries
				if err = calls[name](cancelledAfter{f.ctx, &left}, tries); err != nil {
					mustFail(f, fmt.Sprintf("%s, whose context was done at the %d. look,", name, tries), err, context.Canceled)
					mustBeUnchanged(f, fmt.Sprintf("%s, whose context was done at the %d. look", name, tries), contentsOf(f, tenant, "ann"), before)
				}
			}
			if after := contentsOf(f, tenant, "ann"); tries < 2 || reflect.DeepEqual(after, before) {
				f.Errorf("%s looked at its context %d times, and then changed nothing", name, tries-1)
			}
		}
	})
}

// TestB6CancelledAtAnyMoment cancels large writes and searches from outside.
func TestB6CancelledAtAnyMoment(t *testing.T) {
	onEach(t, oneConnection, func(f *fixture) {
		tenant := f.tenant()
		const size = 150
		mustEnsure(f, tenant, "c", 8, enact.Cosine)
		total := uint64(0)
		for round := range 24 {
			ctx, cancel := context.WithCancel(f.ctx)
			var appended, upserted, searched error
			var docs []enact.Document
			for i := range size {
				docs = append(docs, enact.Document{ID: fmt.Sprint(i), Metadata: fmt.Appendf(nil, `{"round":%d,"list":[1,2,3]}`, round), Embedding: []float32{1, float32(i), 3, 4, 5, 6, 7, 8}})
			}
			atOnce(4, func(i int) {
				switch i {
				case 0:
					time.Sleep(rand.N(time.Duration(1+round) * time.Millisecond))
					cancel()
				case 1:
					_, appended = tenant.Events.Append(ctx, "run", enact.ExpectAny(), facts("event", int(total), size)...)
				case 2:
					upserted = tenant.Vectors.Upsert(ctx, "c", docs...)
				case 3:
					q := nearest(size, 8, 7, 6, 5, 4, 3, 2, 1)
					q.Filter = enact.And(enact.Exists("list"), enact.Not(enact.Eq("round", enact.Int(-1))))
					for searched == nil && ctx.Err() == nil {
						_, searched = tenant.Vectors.Search(ctx, "c", q)
					}
				}
			})
			for name, err := range map[string]error{"Append": appended, "Upsert": upserted, "Search": searched} {
				if err != nil {
					mustFail(f, fmt.Sprintf("round %d: %s, cancelled", round, name), err, context.Canceled)
				}
			}
			if appended == nil {
				total += size
			}
			last, err := tenant.Events.LatestSequence(f.ctx, "run")
			must(f, "LatestSequence", err)
			mustEqual(f, fmt.Sprintf("round %d: the last sequence after Append returned %v", round, appended), last, total)
			mustBeOfOneRound(f, round, upserted)
		}
		mustEqual(f, "the events", len(loaded(f, tenant, "run", 0)), int(total))
	})
}

// mustBeOfOneRound makes sure that an upsert was applied whole, if it returned
// nil, or not at all.
func mustBeOfOneRound(f *fixture, round int, upserted error) {
	f.Helper()
	matches := mustSearch(f, f.tenant(), "c", enact.Query{Embedding: []float32{1, 1, 1, 1, 1, 1, 1, 1}, Limit: 1000, Fields: enact.Fields{Metadata: true}})
	for _, m := range matches {
		mine := bytes.Equal(m.Metadata, fmt.Appendf(nil, `{"round":%d,"list":[1,2,3]}`, round))
		if !bytes.Equal(m.Metadata, matches[0].Metadata) || mine != (upserted == nil) {
			f.Fatalf("round %d: Upsert returned %v, and then document %q has %s and %q has %s", round, upserted, matches[0].ID, matches[0].Metadata, m.ID, m.Metadata)
		}
	}
	if upserted == nil && len(matches) != 150 {
		f.Fatalf("round %d: Upsert returned nil, and then there are %d documents", round, len(matches))
	}
}

// TestB7EveryRoleFromManyGoroutines writes and reads in every role.
func TestB7EveryRoleFromManyGoroutines(t *testing.T) {
	onEach(t, oneConnection, func(f *fixture) {
		const workers, each = 6, 6
		tenant := f.tenant()
		mustCreateThread(f, f.tenant(), enact.Thread{ID: "t", User: "ann"})
		mustEnsure(f, f.tenant(), "c", 2, enact.Cosine)
		atOnce(workers, func(w int) {
			for i := range each {
				everyRole(f, tenant, fmt.Sprintf("%d-%d", w, i))
			}
		})
		c := contentsOf(f, tenant, "ann")
		for what, n := range map[string]int{"events": len(c.Events["run"]), "keys": len(c.Keys), "messages": len(c.Messages), "documents": len(c.Documents["c"]), "snapshots": len(c.Snapshots)} {
			mustEqual(f, "the number of "+what, n, workers*each)
		}
	})
}

// everyRole runs beside others of its kind, so it reports with Error only.
func everyRole(f *fixture, tenant *enact.Tenant, id string) {
	_, appended := tenant.Events.Append(f.ctx, "run", enact.ExpectAny(), named(id, id))
	_, set := tenant.State.Set(f.ctx, id, []byte(id))
	saved := tenant.State.SaveSnapshot(f.ctx, stateAt(enact.ExecutionID(id), 1, id))
	_, created := tenant.Messages.CreateMessage(f.ctx, said("t", enact.MessageID(id), id))
	upserted := tenant.Vectors.Upsert(f.ctx, "c", enact.Document{ID: id, Content: id, Embedding: []float32{1, 2}})
	result, searched := tenant.Vectors.Search(f.ctx, "c", nearest(1000, 1, 2))
	entry, got := tenant.State.Get(f.ctx, id)
	doc, read := tenant.Vectors.Get(f.ctx, "c", id)
	streamed := lastError(tenant.Events.Load(f.ctx, "run", 0))
	if err := errors.Join(appended, set, saved, created, upserted, searched, got, read, streamed); err != nil {
		f.Errorf("worker %s: %v", id, err)
	}
	found := slices.ContainsFunc(result.Matches, func(m enact.Match) bool { return m.ID == id })
	if !found || string(entry.Value) != id || doc.Content != id {
		f.Errorf("worker %s wrote its ID and reads %q and %q; the search found it: %t", id, entry.Value, doc.Content, found)
	}
}

// stamp marks an event with its writer, its batch, its place there and the size
// of the batch, so that a reader can tell whole batches from parts.
func stamp(writer, batch, place, size int) enact.Custom {
	var data []byte
	for _, n := range []int{writer, batch, place, size} {
		data = binary.BigEndian.AppendUint32(data, uint32(n))
	}
	return enact.Custom{Type: "stamped", Data: data}
}

// wholeBatches returns what is wrong with stamped events: batches that are not
// whole, not contiguous, or, within a writer, not in order.
func wholeBatches(events []enact.Event) error {
	next := map[int]int{}
	for i := 0; i < len(events); {
		writer, batch, _, size := readStamp(events[i])
		if batch != next[writer] {
			return fmt.Errorf("event %d is of batch %d of writer %d, whose batch %d has not been seen", i+1, batch, writer, next[writer])
		}
		next[writer]++
		for place := range size {
			if i == len(events) {
				return fmt.Errorf("the history ends after %d of the %d events of batch %d of writer %d", place, size, batch, writer)
			}
			if w, b, p, s := readStamp(events[i]); w != writer || b != batch || p != place || s != size {
				return fmt.Errorf("event %d should be event %d of %d of batch %d of writer %d; it is event %d of %d of batch %d of writer %d", i+1, place, size, batch, writer, p, s, b, w)
			}
			i++
		}
	}
	return nil
}

func readStamp(e enact.Event) (writer, batch, place, size int) {
	read := func(i int) int { return int(binary.BigEndian.Uint32(e.Payload[4*i:])) }
	return read(0), read(1), read(2), read(3)
}

// TestE2E3WritersInEachOthersWay has writers without expectation, and readers
// that must never see a gap or half a batch.
func TestE2E3WritersInEachOthersWay(t *testing.T) {
	onEach(t, oneConnection, func(f *fixture) {
		const writers, batches = 6, 12
		tenant := f.tenant()
		var stop atomic.Bool
		var readers sync.WaitGroup
		seen := make([]error, 2)
		for r := range seen {
			readers.Go(func() {
				for last := 0; !stop.Load() && seen[r] == nil; {
					last, seen[r] = readOnce(f.ctx, tenant, last)
				}
			})
		}
		failed := make([]error, writers)
		lasts := make([][]uint64, writers)
		atOnce(writers, func(w int) {
			for b := range batches {
				size := 1 + (w+b)%5
				var events []enact.EventData
				for place := range size {
					events = append(events, stamp(w, b, place, size))
				}
				last, err := tenant.Events.Append(f.ctx, "run", enact.ExpectAny(), events...)
				if err != nil {
					failed[w] = err
					return
				}
				lasts[w] = append(lasts[w], last)
			}
		})
		stop.Store(true)
		readers.Wait()
		must(f, "appending from many goroutines", errors.Join(failed...))
		must(f, "reading meanwhile", errors.Join(seen...))
		events := loaded(f, tenant, "run", 0)
		must(f, "looking for whole batches", wholeBatches(events))
		for w := range writers {
			for b, last := range lasts[w] {
				if last == 0 || last > uint64(len(events)) {
					f.Fatalf("writer %d was told that its batch %d ends at %d of %d", w, b, last, len(events))
				}
				if writer, batch, place, size := readStamp(events[last-1]); writer != w || batch != b || place != size-1 {
					f.Errorf("writer %d was told that its batch %d ends at %d, where event %d of %d of batch %d of writer %d is", w, b, last, place, size, batch, writer)
				}
			}
		}
		if n := len(slices.Concat(lasts...)); n != writers*batches {
			f.Errorf("%d batches were written; it should have been %d", n, writers*batches)
		}
	})
}

// readOnce reads all that there is, of which there must be no less than before.
func readOnce(ctx context.Context, tenant *enact.Tenant, before int) (int, error) {
	var events []enact.Event
	for e, err := range tenant.Events.Load(ctx, "run", 0) {
		if err != nil {
			return 0, err
		}
		if e.Sequence != uint64(len(events)+1) {
			return 0, fmt.Errorf("sequence %d came where %d belongs", e.Sequence, len(events)+1)
		}
		events = append(events, e)
	}
	if len(events) < before {
		return 0, fmt.Errorf("%d events were there, and now %d are", before, len(events))
	}
	return len(events), wholeBatches(events)
}

// TestE7TheLoopBodyCallsTheStore reads, writes and loads inside a loop, much
// deeper than there are connections.
func TestE7TheLoopBodyCallsTheStore(t *testing.T) {
	onEach(t, oneConnection, func(f *fixture) {
		tenant := f.tenant()
		mustAppend(f, tenant, "run", facts("event", 1, 3)...)
		var dive func(depth int)
		dive = func(depth int) {
			for e, err := range tenant.Events.Load(f.ctx, "run", 0) {
				must(f, fmt.Sprintf("loading at depth %d", depth), err)
				if e.Sequence != 2 {
					continue
				}
				mustAppend(f, tenant, "copy", fact(fmt.Sprint(depth)))
				_, err := tenant.State.Set(f.ctx, "depth", fmt.Append(nil, depth))
				must(f, "Set in a loop body", err)
				if depth < 12 {
					dive(depth + 1)
				}
			}
		}
		ended(f, "a loop body that calls the store", inBackground(func() { dive(1) }))
		mustHold(f, tenant, "copy", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12")
	})
}

// TestE7AppendingToWhatIsBeingLoaded: what is appended during the loop comes in
// order or not at all.
func TestE7AppendingToWhatIsBeingLoaded(t *testing.T) {
	onEach(t, oneConnection, func(f *fixture) {
		mustAppend(f, f.tenant(), "run", facts("event", 1, 600)...)
		total, seen := 600, 0
		for e, err := range f.tenant().Events.Load(f.ctx, "run", 0) {
			must(f, "loading", err)
			if seen++; e.Sequence != uint64(seen) || string(e.Payload) != fmt.Sprintf("event %d", seen) {
				f.Fatalf("event %d came back with sequence %d and payload %q", seen, e.Sequence, e.Payload)
			}
			if seen%100 == 1 && total < 1500 {
				mustAppend(f, f.tenant(), "run", facts("event", total+1, 100)...)
				total += 100
			}
		}
		if seen < 600 || seen > total {
			f.Errorf("%d events were loaded; 600 were there at the beginning and %d at the end", seen, total)
		}
		mustEqual(f, "the number of events afterwards", len(loaded(f, f.tenant(), "run", 0)), total)
	})
}

// TestS3NoUpdateIsLost counts by compare-and-set from many goroutines.
func TestS3NoUpdateIsLost(t *testing.T) {
	onEach(t, oneConnection, func(f *fixture) {
		const writers, each = 6, 12
		tenant := f.tenant()
		_, err := enact.SetJSON(f.ctx, f.tenant().State, "count", 0)
		must(f, "SetJSON", err)
		errs := make([]error, writers)
		atOnce(writers, func(w int) {
			for done := 0; done < each && errs[w] == nil; {
				count, version, err := enact.GetJSON[int](f.ctx, tenant.State, "count")
				if err == nil {
					_, err = enact.SetJSON(f.ctx, tenant.State, "count", count+1, enact.IfVersion(version))
				}
				switch {
				case err == nil:
					done++
				case !errors.Is(err, enact.ErrConflict):
					errs[w] = err
				}
			}
		})
		must(f, "counting", errors.Join(errs...))
		count, _, err := enact.GetJSON[int](f.ctx, f.tenant().State, "count")
		must(f, "GetJSON", err)
		mustEqual(f, "the count", count, writers*each)
	})
}

// TestV7SearchWhileOthersWrite: every search is true of one moment. A pair of
// documents is always written together.
func TestV7SearchWhileOthersWrite(t *testing.T) {
	onEach(t, oneConnection, func(f *fixture) {
		tenant := f.tenant()
		mustEnsure(f, tenant, "c", 1, enact.Dot)
		const rounds = 40
		errs := make([]error, 4)
		pair := func(n int) []enact.Document {
			metadata := fmt.Appendf(nil, `{"n":%d}`, n)
			return []enact.Document{{ID: "a", Metadata: metadata, Embedding: []float32{float32(n)}}, {ID: "b", Metadata: metadata, Embedding: []float32{float32(n)}}}
		}
		mustUpsert(f, tenant, "c", pair(0)...)
		atOnce(4, func(w int) {
			store := tenant.Vectors
			for n := range rounds {
				if w < 2 {
					errs[w] = store.Upsert(f.ctx, "c", pair(2*n+w)...)
				} else {
					errs[w] = searchPair(f, store)
				}
				if errs[w] != nil {
					return
				}
			}
		})
		must(f, "writing and searching at once", errors.Join(errs...))
	})
}

func searchPair(f *fixture, store *enact.VectorStore) error {
	result, err := store.Search(f.ctx, "c", enact.Query{Embedding: []float32{1}, Limit: 9, Fields: enact.Fields{Metadata: true, Embedding: true}, Filter: enact.Gte("n", enact.Int(0))})
	if err != nil {
		return err
	}
	m := result.Matches
	if len(m) != 2 || m[0].ID != "a" || m[1].ID != "b" || m[0].Score != m[1].Score || string(m[0].Metadata) != string(m[1].Metadata) ||
		string(m[0].Metadata) != fmt.Sprintf(`{"n":%d}`, int(m[0].Score)) || float64(m[0].Embedding[0]) != m[0].Score {
		return fmt.Errorf("a search came back as %+v; both documents, and all their fields, should be of one write", m)
	}
	return nil
}
