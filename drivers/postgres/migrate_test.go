package postgres

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestMigrateFromVersion2: a schema of before keeps its histories, byte for byte, and
// its executions their times, and both go on growing (E1, E6).
func TestMigrateFromVersion2(t *testing.T) {
	t.Parallel()
	dsn := newDSN(t)
	o := outside(t, dsn)
	o.exec("CREATE SCHEMA "+pgx.Identifier{o.schema}.Sanitize(), version1, version2, "UPDATE enact.enact_version SET version = 2")
	const canonical = "01890a5d-ac96-774b-bcce-b302099a8057"
	at := time.Date(1999, time.March, 4, 5, 6, 7, 8000, time.UTC)
	histories := map[driver.ExecutionID][]driver.Event{
		"one": {
			{ID: canonical, Type: "fact", Payload: []byte{}, Time: at},
			{ID: "01890A5D-AC96-774B-BCCE-B302099A8057", Type: "fact", Payload: []byte("\x00\xff"), Time: at},
			{ID: "sixteen bytes ok", Type: "it's \\ \"x\"", Payload: []byte("1"), Time: at},
			{ID: "seventeen bytes !", Type: "fact", Payload: make([]byte, 10_000), Time: at},
			{ID: "é", Type: "é", Payload: []byte("é"), Time: at},
		},
		"two": {{ID: canonical, Type: "other", Payload: []byte("another's"), Time: at}},
	}
	for id, history := range histories {
		for _, e := range history {
			_, err := o.Exec(t.Context(), o.named("SELECT enact.append('t', $1, NULL, ARRAY[$2], ARRAY[$3], ARRAY[$4::bytea], ARRAY[$5::timestamptz])"), string(id), string(e.ID), e.Type, e.Payload, e.Time)
			testkit.Check(t, err)
		}
	}
	const times = "SELECT string_agg(format('%s %s %s', id, created, updated), ' ' ORDER BY id) FROM "
	before := valueOf[string](o, times+"enact.executions")

	b := open(t, dsn)
	s := b.Tenant("t").Events
	if after := valueOf[string](o, times+`(SELECT x.id, x.created, (SELECT coalesce(e.stored, e.time) FROM enact.events e WHERE e.execution = x.key ORDER BY e.sequence DESC LIMIT 1) AS updated FROM enact.executions x) x`); after != before {
		t.Errorf("the executions were created and updated at %s, want %s", after, before)
	}
	for id, history := range histories {
		got := testkit.History(t, b, id)
		if same := slices.EqualFunc(history, got, func(e driver.Event, stored driver.StoredEvent) bool { return e.SameContent(stored.Event) }); !same {
			t.Errorf("execution %q holds %+v after the migration, want %+v", id, got, history)
		}
		n := uint64(len(history))
		if last := testkit.Must(s.Append(context.Background(), id, driver.ExpectLast(0), history))(t); last != n {
			t.Errorf("repeating the events of execution %q after the migration returned %d, want %d", id, last, n)
		}
		if last := testkit.Must(s.Append(context.Background(), id, driver.ExpectLast(n), testkit.Events("new", 1)))(t); last != n+1 {
			t.Errorf("an append to execution %q after the migration returned %d, want %d", id, last, n+1)
		}
	}
	made := newDSN(t)
	shutdown(t, open(t, made))
	if got, want := schemaText(t, dsn), schemaText(t, made); got != want {
		t.Errorf("the schema after the migration is\n%s\nwant that of a new one\n%s", got, want)
	}
}

// TestPackedIDs: whatever an ID is, it comes back, and no two are stored alike (E6, E8).
func TestPackedIDs(t *testing.T) {
	t.Parallel()
	const canonical = "01890a5d-ac96-774b-bcce-b302099a8057"
	stored := map[string]driver.EventID{}
	for _, id := range []driver.EventID{
		canonical, "01890A5D-ac96-774b-bcce-b302099a8057", "{01890a5d-ac96-774b-bcce-b302099a805", "urn:uuid:" + canonical, "01890a5dac96774bbcceb302099a8057",
		driver.EventID("\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"), "0123456789abcdef", "0123456789abcdefg", "0123456789abcde", "x", "00000000-0000-0000-0000-000000000000",
	} {
		packed := packID(id)
		if other, twice := stored[string(packed)]; twice {
			t.Errorf("IDs %q and %q are both stored as %x", id, other, packed)
		}
		stored[string(packed)] = id
		if got := unpackID(packed); got != id {
			t.Errorf("ID %q comes back as %q", id, got)
		}
	}
	if n := len(packID(canonical)); n != 16 {
		t.Errorf("a UUID is stored in %d bytes, want 16", n)
	}
	o := outside(t, serverOf(t).SocketDSN())
	for packed, id := range stored {
		if got := valueOf[string](o, fmt.Sprintf("SELECT encode(%s, 'hex') FROM (SELECT $1::text AS id) x", packedID), string(id)); got != fmt.Sprintf("%x", packed) {
			t.Errorf("the migration stores ID %q as %s, want %x", id, got, packed)
		}
	}
}
