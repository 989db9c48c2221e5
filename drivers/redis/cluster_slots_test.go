package redis

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
	"github.com/enactdev/enact/internal/testserver"
)

// usedSlots are the slots that have keys, found without knowing how keys are named.
func usedSlots(t *testing.T, c *testserver.RedisCluster) (slots []int) {
	t.Helper()
	masters := testkit.Must(c.Masters())(t)
	for _, master := range masters {
		var cursor uint64
		for {
			keys, next, err := master.Client().Scan(context.Background(), cursor, "*", 1000).Result()
			testkit.Check(t, err)
			for _, key := range keys {
				slots = append(slots, testkit.Must(c.SlotOf(key))(t))
			}
			if cursor = next; cursor == 0 {
				break
			}
		}
	}
	slices.Sort(slots)
	return slices.Compact(slots)
}

// other is a master that does not serve a slot.
func other(t *testing.T, c *testserver.RedisCluster, slot int) *testserver.Redis {
	t.Helper()
	has := testkit.Must(c.MasterOf(slot))(t)
	for _, master := range testkit.Must(c.Masters())(t) {
		if master != has {
			return master
		}
	}
	t.Fatal("the cluster has a single master")
	return nil
}

// TestMovingSlots moves every slot that is in use from master to master, key by key,
// while 8 writers go on: none of them notices, and nothing is lost, doubled or torn
// (E2, E3, E6).
func TestMovingSlots(t *testing.T) {
	t.Parallel()
	c := testserver.RedisClusterFor(t, append([]string{testserver.RedisUnhurried}, testserver.RedisDurable...)...)
	writing := testkit.StartWriting(t, open(t, c.DSN()), open(t, c.DSN()))
	writing.GoOn()
	moved := 0
	for begin := time.Now(); moved < 30 || time.Since(begin) < 5*time.Second; {
		for _, slot := range usedSlots(t, c) {
			move, err := c.BeginMove(slot, other(t, c, slot))
			testkit.Check(t, err)
			// Writers find the keys of one slot in two places for a while.
			for range 5 {
				time.Sleep(20 * time.Millisecond)
				testkit.Must(move.MoveKeys(1))(t)
			}
			testkit.Check(t, move.Finish())
			moved++
		}
		writing.GoOn()
	}
	writing.GoOn()
	t.Logf("%d slots moved", moved)
	writing.CheckUnnoticed()
	writing.CheckAll(open(t, c.DSN()))
	for _, master := range testkit.Must(c.Masters())(t) {
		if text := testkit.Must(master.Do("CLUSTER", "NODES").Text())(t); strings.Contains(text, "[") {
			t.Errorf("a slot is still on its way: %s", text)
		}
	}
}

// TestHalfMovedSlot: while the keys of a slot are in two places and stay there, calls
// succeed or are refused whole, and all succeed when the slot has moved.
func TestHalfMovedSlot(t *testing.T) {
	t.Parallel()
	c := testserver.RedisClusterFor(t, testserver.RedisDurable...)
	b := open(t, c.DSN())
	s := b.Tenant("t")
	testkit.UseEverything(t, b)
	var moves []*testserver.SlotMove
	for _, slot := range usedSlots(t, c) {
		move, err := c.BeginMove(slot, other(t, c, slot))
		testkit.Check(t, err)
		testkit.Must(move.MoveKeys(8))(t)
		moves = append(moves, move)
	}
	var all sync.WaitGroup
	var refused atomic.Int64
	calls := slices.Concat(testkit.Writes(s), testkit.Reads(s))
	for _, call := range calls {
		all.Go(func() {
			if err := call.Do(t.Context(), s, "half"); err != nil {
				refused.Add(1)
				testkit.WantError(t, call.Name+" while its keys are in two places", err, driver.ErrUnavailable, "moving")
			}
		})
	}
	testkit.Within(t, "calls while keys are in two places", all.Wait)
	if refused.Load() == 0 {
		t.Error("no call was refused: this test shows nothing")
	}
	t.Logf("%d of %d calls were refused", refused.Load(), len(calls))
	for _, move := range moves {
		testkit.Check(t, move.Finish())
	}
	for _, call := range testkit.Writes(s) {
		if err := call.Do(t.Context(), s, "half"); err != nil {
			t.Errorf("%s, repeated after its slot has moved: %v, want nil", call.Name, err)
		}
	}
	testkit.EveryCall(t, b)
	if got := len(testkit.History(t, b, "execution")); got != 3*testkit.BatchEvents {
		t.Errorf("the execution has %d events, want those of 3 appends of %d", got, testkit.BatchEvents)
	}
	// What is read from the indexes is what the calls have stored.
	keys, _, err := s.State.List(t.Context(), "", driver.Page{Limit: 10})
	testkit.Check(t, err)
	if len(keys) != 4 {
		t.Errorf("the keys are %v, want 4", keys)
	}
	messages, _, err := s.Messages.ListMessages(t.Context(), driver.MessageQuery{Thread: "thread", IncludeDeleted: true, Page: driver.Page{Limit: 10}})
	testkit.Check(t, err)
	if len(messages) != 5 {
		t.Errorf("the thread has %d messages, want 5", len(messages))
	}
}
