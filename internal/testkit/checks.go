package testkit

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
)

// Prepare stores what the calls need.
func Prepare(tb testing.TB, b driver.Backend) {
	tb.Helper()
	ctx, s := context.Background(), b.Tenant(Tenant)
	if s.State != nil {
		Must(s.State.Set(ctx, "key", []byte("value"), driver.SetOptions{}))(tb)
		Check(tb, s.State.SaveSnapshot(ctx, driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: "execution", Sequence: 1}}))
	}
	if s.Messages != nil {
		for _, id := range []driver.ThreadID{"thread", "deleted thread"} {
			Must(s.Messages.CreateThread(ctx, driver.Thread{ID: id, User: "user"}))(tb)
		}
		for _, id := range []driver.MessageID{"message", "deleted message"} {
			Must(s.Messages.CreateMessage(ctx, driver.Message{ID: id, Thread: "thread", Role: "user"}))(tb)
		}
	}
	if s.Vectors != nil {
		Check(tb, s.Vectors.EnsureCollection(ctx, driver.Collection{Name: "collection", Dimension: 2, Metric: driver.Dot}))
		Check(tb, s.Vectors.Upsert(ctx, "collection", []driver.Document{{ID: "document", Embedding: []float32{1, 2}, Metadata: []byte("{}")}}))
	}
}

// UseEverything makes every call.
func UseEverything(tb testing.TB, b driver.Backend) {
	tb.Helper()
	Prepare(tb, b)
	EveryCall(tb, b)
}

// EveryCall makes sure that every call succeeds, writes with an ID twice.
func EveryCall(tb testing.TB, b driver.Backend) {
	tb.Helper()
	ctx, s := context.Background(), b.Tenant(Tenant)
	for _, write := range Writes(s) {
		for _, id := range []string{"id", "id", "id2"} {
			if err := write.Do(ctx, s, id); err != nil {
				tb.Errorf("%s: %v, want nil", write.Name, err)
			}
		}
	}
	for _, read := range Reads(s) {
		if err := read.Do(ctx, s, ""); err != nil {
			tb.Errorf("%s: %v, want nil", read.Name, err)
		}
	}
	if err := b.HealthCheck(ctx); err != nil {
		tb.Errorf("HealthCheck: %v, want nil", err)
	}
}

// CheckCalls makes sure that calls fail as they should, or succeed if wanted is nil.
func CheckCalls(tb testing.TB, b driver.Backend, situation string, calls []Call, wanted error, words ...string) {
	tb.Helper()
	for _, c := range calls {
		err := c.Do(context.Background(), b.Tenant(Tenant), "refused")
		switch {
		case wanted != nil:
			WantError(tb, c.Name+" "+situation, err, wanted, words...)
		case err != nil:
			tb.Errorf("%s %s: %v, want nil", c.Name, situation, err)
		}
	}
}

// CheckNotDone makes sure that what CheckCalls tried in vain has left nothing behind.
func CheckNotDone(tb testing.TB, b driver.Backend) {
	tb.Helper()
	ctx, s := context.Background(), b.Tenant(Tenant)
	absent := func(what string, err error) {
		tb.Helper()
		WantError(tb, what+" that was refused", err, driver.ErrNotFound)
	}
	if s.Events != nil {
		refused := Events("refused", BatchEvents)
		for _, e := range History(tb, b, "execution") {
			if slices.ContainsFunc(refused, func(r driver.Event) bool { return r.ID == e.ID }) {
				tb.Errorf("event %q, whose append was refused, is stored", e.ID)
			}
		}
	}
	if s.State != nil {
		_, err := s.State.Get(ctx, "refused")
		absent("a key", err)
		_, err = s.State.LoadSnapshot(ctx, "refused")
		absent("a snapshot", err)
	}
	if s.Messages != nil {
		_, err := s.Messages.GetThread(ctx, "refused", true)
		absent("a thread", err)
		_, err = s.Messages.GetMessage(ctx, "refused", true)
		absent("a message", err)
	}
	if s.Vectors != nil {
		_, err := s.Vectors.GetCollection(ctx, "refused")
		absent("a collection", err)
		_, err = s.Vectors.Get(ctx, "collection", "refused")
		absent("a document", err)
	}
}

// Soon is how long a call may take to end after its context.
const Soon = 3 * time.Second

// EveryCallEnds makes sure that every call, and others, end by their contexts while
// the engine does not answer (B6).
func EveryCallEnds(tb testing.TB, b driver.Backend, situation string, others ...Call) {
	tb.Helper()
	s := b.Tenant(Tenant)
	CheckCallsEnd(tb, b, situation, slices.Concat(Writes(s), Reads(s), others))
}

// CheckCallsEnd makes sure that calls, and HealthCheck, end by their contexts, one
// after another and all at once.
func CheckCallsEnd(tb testing.TB, b driver.Backend, situation string, calls []Call) {
	tb.Helper()
	health := Call{Name: "HealthCheck", Do: func(ctx context.Context, _ driver.Stores, _ string) error { return b.HealthCheck(ctx) }}
	calls = append(slices.Clone(calls), health)
	for _, c := range calls {
		checkEnds(tb, b, situation, c)
	}
	var all sync.WaitGroup
	for _, c := range calls {
		all.Go(func() { checkEnds(tb, b, situation+" with other calls waiting", c) })
	}
	all.Wait()
}

func checkEnds(tb testing.TB, b driver.Backend, situation string, c Call) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	begin := time.Now()
	WantError(tb, c.Name+" "+situation, c.Do(ctx, b.Tenant(Tenant), "waiting"), context.DeadlineExceeded)
	if took := time.Since(begin); took > Soon {
		tb.Errorf("%s %s took %v with a context of 20 ms", c.Name, situation, took)
	}
}
