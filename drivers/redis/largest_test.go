package redis

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// TestLargest: the largest value, snapshot, event, batch and message that the
// contract allows are stored and come back (E10, S1).
func TestLargest(t *testing.T) {
	t.Parallel()
	server := testserver.RedisFor(t, testserver.RedisDurable...)
	s := open(t, server.DSN()).Tenant("t")
	ctx := t.Context()
	random := func(n int) []byte {
		b := make([]byte, n)
		rand.Read(b)
		return b
	}
	value := random(driver.MaxValueBytes)
	testkit.Must(s.State.Set(ctx, "large", value, driver.SetOptions{TTL: time.Hour}))(t)
	if got := testkit.Must(s.State.Get(ctx, "large"))(t); !bytes.Equal(got.Value, value) {
		t.Error("the largest value has changed")
	}
	testkit.Check(t, s.State.SaveSnapshot(ctx, driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: "large", Sequence: 1}, Data: value}))
	if got := testkit.Must(s.State.LoadSnapshot(ctx, "large"))(t); !bytes.Equal(got.Data, value) {
		t.Error("the largest snapshot has changed")
	}
	batch := testkit.Events("large", driver.MaxBatchBytes/driver.MaxPayloadBytes)
	for i := range batch {
		batch[i].Payload = value[i*driver.MaxPayloadBytes:][:driver.MaxPayloadBytes]
	}
	testkit.Must(s.Events.Append(ctx, "large", driver.ExpectLast(0), batch))(t)
	testkit.Must(s.Events.Append(ctx, "large", driver.ExpectLast(0), batch))(t)
	n := 0
	for e, err := range s.Events.Load(ctx, "large", 0) {
		testkit.Check(t, err)
		if !batch[n].SameContent(e.Event) {
			t.Errorf("event %d has changed", n)
		}
		n++
	}
	if n != len(batch) {
		t.Errorf("%d events came back, want %d", n, len(batch))
	}
	testkit.Must(s.Messages.CreateThread(ctx, driver.Thread{ID: "thread", User: "user"}))(t)
	m := driver.Message{ID: "large", Thread: "thread", Role: "user", Content: value[:driver.MaxMessageBytes]}
	testkit.Must(s.Messages.CreateMessage(ctx, m))(t)
	if got := testkit.Must(s.Messages.GetMessage(ctx, "large", false))(t); !m.SameContent(got) {
		t.Error("the largest message has changed")
	}
	many := testkit.Events("many", driver.MaxBatchEvents)
	testkit.Must(s.Events.Append(ctx, "many", driver.ExpectLast(0), many))(t)
	if last := testkit.Must(s.Events.Append(ctx, "many", driver.Expectation{}, many))(t); last != driver.MaxBatchEvents {
		t.Errorf("the largest batch, repeated, ends at %d, want %d", last, driver.MaxBatchEvents)
	}
}
