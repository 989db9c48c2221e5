package drivertest

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"

	"github.com/enactdev/enact/driver"
)

var eventReadingChecks = []check{
	{
		rule: "E7", name: "after", role: driver.RoleEvents, run: loadsAfter,
		why: "an execution that goes on from its snapshot would miss events or apply some twice",
	},
	{
		rule: "E7", name: "large-events", role: driver.RoleEvents, run: loadsLargeEvents,
		why: "a store that reads in pieces by size must not lose or repeat an event between two of them",
	},
	{
		rule: "E7", name: "error-once-and-last", role: driver.RoleEvents, run: errorOnceAndLast,
		why: "a stream that ends early without an error looks like a shorter history",
	},
	{
		rule: "E7", name: "same-stream-twice", role: driver.RoleEvents, run: sameStreamTwice,
		why: "an iterator that is empty the second time looks like an empty history",
	},
}

func loadsAfter(t *trial) {
	const n = 2100
	want := batchOf("event", n)
	t.append(t.Events, "before", batchOf("before", 3)...)
	for _, cut := range [][2]int{{0, 7}, {7, 600}, {600, n}} {
		t.append(t.Events, "run", want[cut[0]:cut[1]]...)
	}
	t.append(t.Events, "runs", batchOf("behind", 3)...)
	t.historyIs(t.Events, "run", want...)
	positions := []uint64{0, 1, 2, 6, 7, 8, n - 1, n, n + 1, math.MaxUint32, math.MaxInt64, math.MaxUint64}
	for _, piece := range []uint64{10, 64, 100, 128, 256, 500, 512, 1000, 1024, 2000, 2048} {
		positions = append(positions, piece-1, piece, piece+1)
	}
	for _, beyond := range []uint64{1 << 31, 1 << 32, 1 << 53, 1 << 63} {
		positions = append(positions, beyond-1, beyond, beyond+1, beyond+n-1)
	}
	for _, after := range positions {
		got := t.load(t.Events, "run", after)
		if after >= n {
			equal(t, fmt.Sprintf("the number of events after %d of %d", after, n), len(got), 0)
			continue
		}
		equal(t, fmt.Sprintf("the IDs of the events after %d", after), eventIDs(got), idsOfEvents(want[after:]))
		t.isEvent(fmt.Sprintf("the first event after %d", after), got[0], want[after], after+1)
	}
	t.historyIs(t.Events, "before", batchOf("before", 3)...)
	t.historyIs(t.Events, "runs", batchOf("behind", 3)...)
}

// loadsLargeEvents mixes large and small, in one batch and in several.
func loadsLargeEvents(t *trial) {
	sizes := []int{300 << 10, 0, 700 << 10, 3, 1 << 20, 1<<20 - 1, 1, 600 << 10, 600 << 10, 2 << 20, 0, 0, 64 << 10}
	want := batchOf("event", len(sizes))
	for i, size := range sizes {
		want[i].Payload = make([]byte, size)
		for j := range want[i].Payload {
			want[i].Payload[j] = byte(i + j%251)
		}
	}
	t.append(t.Events, "run", want[:5]...)
	for _, e := range want[5:8] {
		t.append(t.Events, "run", e)
	}
	t.append(t.Events, "run", want[8:]...)
	for after := range want {
		got := t.load(t.Events, "run", uint64(after))
		equal(t, fmt.Sprintf("the IDs of large events after %d", after), eventIDs(got), idsOfEvents(want[after:]))
		for i, e := range got {
			if !slices.Equal(e.Payload, want[after+i].Payload) {
				t.fatal(fmt.Sprintf("the payload of event %d, of %d bytes, loaded after %d", after+i+1, sizes[after+i], after), fmt.Sprintf("%d bytes, which differ", len(e.Payload)), "the bytes that were appended")
			}
		}
	}
}

// errorOnceAndLast cancels a reading at each place where the driver minds.
func errorOnceAndLast(t *trial) {
	const n = 700
	want := batchOf("event", n)
	t.append(t.Events, "run", want...)
	for look := 0; ; look += 1 + look/4 {
		ctx := newCancelledAtLook(t.ctx, look)
		stream := t.Events.Load(ctx, "run", 0)
		if ended := t.readCancelled(fmt.Sprintf("Load that is cancelled at look %d", look), stream, want); ended {
			minded := ctx.Context.Err() != nil
			ctx.cancel()
			if !minded {
				break
			}
		}
	}
	for _, at := range []int{1, 2, n / 2, n} {
		ctx, cancel := context.WithCancel(t.ctx)
		t.readCancelled(fmt.Sprintf("Load whose loop body cancels it at event %d", at), func(yield func(driver.StoredEvent, error) bool) {
			for e, err := range t.Events.Load(ctx, "run", 0) {
				if e.Sequence == uint64(at) {
					cancel()
				}
				if !yield(e, err) {
					return
				}
			}
		}, want)
		cancel()
	}
	t.historyIs(t.Events, "run", want...)
}

// readCancelled reads a stream whose context may end, and says whether it came to
// the end of the history all the same.
func (t *trial) readCancelled(did string, stream iter.Seq2[driver.StoredEvent, error], want []driver.Event) (whole bool) {
	n, failed := 0, false
	for e, err := range stream {
		switch {
		case failed:
			t.fatal(did, "something behind the error", "an error once and last")
		case err != nil:
			failed = true
			t.fails(did, err, context.Canceled)
		case n == len(want):
			t.fatal(did, fmt.Sprintf("an event %d behind the last", e.Sequence), fmt.Sprintf("%d events", n))
		default:
			t.isEvent(fmt.Sprintf("%s: event %d", did, n+1), e, want[n], uint64(n+1))
			n++
		}
	}
	if !failed && n < len(want) {
		t.fatal(did, fmt.Sprintf("the first %d of %d events and no error", n, len(want)), "all events, or the context's error")
	}
	return !failed
}

func sameStreamTwice(t *trial) {
	want := idsOfEvents(batchOf("event", 300))
	t.append(t.Events, "run", batchOf("event", 300)...)
	stream := t.Events.Load(t.ctx, "run", 2)
	for round, limit := range []int{1, 298, 5, 298, 297, 298} {
		var got []string
		for e, err := range stream {
			t.ok("Load", err)
			if got = append(got, string(e.ID)); len(got) == limit {
				break
			}
		}
		equal(t, fmt.Sprintf("the first %d events of use %d of one stream", limit, round+1), got, want[2:2+limit])
	}
	others := t.Events.Load(t.ctx, "unknown", 0)
	for range 2 {
		for e, err := range others {
			t.fatal("Load of an execution without events", fmt.Sprintf("event %d, error %v", e.Sequence, err), "nothing")
		}
	}
}
