package sqlite

import (
	"context"
	"fmt"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestMigrateFromVersion1: a file of the first schema keeps its histories, byte for
// byte, and goes on growing (E1, E6).
func TestMigrateFromVersion1(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	db := outside(t, path)
	mustExec(t, db, version1, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = 1", applicationID),
		"INSERT INTO executions (key, tenant, id, last, created, updated) VALUES (1, 't', 'one', 2, 10, 20), (7, 't', 'two', 1, 30, 30)",
		"INSERT INTO events (key, execution, id, time, type, payload) VALUES ((7 << 32) + 1, 7, 'plain', 5, 'fact', x'00ff'), ((1 << 32) + 1, 1, x'01890a5dac96774bbcceb302099a8057', 6, 'fact', x''), ((1 << 32) + 2, 1, 'plain', 7, 'other', x'31')")
	closed(t, db)

	b := open(t, dsnFor(path))
	s := b.Tenant("t").Events
	at := func(us int64, id driver.EventID, kind string, payload []byte) driver.Event {
		return driver.Event{ID: id, Type: kind, Payload: payload, Time: fromMicros(us)}
	}
	want := map[driver.ExecutionID][]driver.Event{
		"one": {at(6, "01890a5d-ac96-774b-bcce-b302099a8057", "fact", []byte{}), at(7, "plain", "other", []byte("1"))},
		"two": {at(5, "plain", "fact", []byte{0, 255})},
	}
	for id, events := range want {
		got := load(t, s, id)
		if len(got) != len(events) {
			t.Fatalf("execution %q has %d events after the migration, want %d", id, len(got), len(events))
		}
		for i, e := range got {
			if wanted := (driver.StoredEvent{Event: events[i], Sequence: uint64(i + 1)}); fmt.Sprintf("%#v", e) != fmt.Sprintf("%#v", wanted) {
				t.Errorf("event %d of execution %q is %#v after the migration, want %#v", i+1, id, e, wanted)
			}
		}
		if last := testkit.Must(s.Append(context.Background(), id, driver.ExpectLast(0), events))(t); last != uint64(len(events)) {
			t.Errorf("repeating the events of execution %q after the migration returned %d, want %d", id, last, len(events))
		}
		if last := testkit.Must(s.Append(context.Background(), id, driver.ExpectLast(uint64(len(events))), someEvents("new", 1, nil)))(t); last != uint64(len(events))+1 {
			t.Errorf("an append to execution %q after the migration returned %d, want %d", id, last, len(events)+1)
		}
	}
	if executions := everyPage(t, func(p driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
		return s.ListExecutions(context.Background(), p)
	}); len(executions) != 2 || !executions[0].CreatedAt.Equal(fromMicros(10)) {
		t.Errorf("the executions after the migration are %+v", executions)
	}
	shutdown(t, b)
	checkIntegrity(t, path)
}

// TestRememberedExecutions: a writer that remembers executions sees what another one
// has appended meanwhile, and what became of a transaction that failed (E2, E5).
func TestRememberedExecutions(t *testing.T) {
	t.Parallel()
	path := newFile(t)
	ctx := context.Background()
	backends := []*backend{open(t, dsnFor(path)), open(t, dsnFor(path))}
	for i := range 20 {
		s := backends[i/2%2].Tenant("t").Events // each twice, so that it remembers
		if last := testkit.Must(s.Append(ctx, "run", driver.ExpectLast(uint64(i)), someEvents(fmt.Sprint("e", i), 1, nil)))(t); last != uint64(i)+1 {
			t.Fatalf("append %d returned %d", i, last)
		}
	}
	one := backends[0]
	s := one.Tenant("t").Events
	for look := int64(1); ; look++ {
		events := someEvents(fmt.Sprint("look", look), 3, nil)
		before := testkit.Must(s.LatestSequence(ctx, "run"))(t)
		w := watch(look)
		_, err := s.Append(w, "run", driver.ExpectLast(before), events)
		if w.cancel(); err == nil {
			break
		}
		if last := testkit.Must(s.Append(ctx, "run", driver.ExpectLast(before), events))(t); last != before+3 {
			t.Fatalf("an append after one that was cancelled at look %d returned %d, want %d", look, last, before+3)
		}
	}
	if got, want := uint64(len(load(t, s, "run"))), testkit.Must(s.LatestSequence(ctx, "run"))(t); got != want {
		t.Errorf("there are %d events, and the last sequence is %d", got, want)
	}
}
