package drivertest

import (
	"fmt"
	"runtime"

	"github.com/enactdev/enact/driver"
)

var eventMemoryChecks = []check{
	{
		rule: "E7", name: "memory", role: driver.RoleEvents, alone: true, run: streamsMemory,
		why: "a history that is read whole before its first event comes takes the process down when it is long",
	},
	{
		rule: "E9", name: "without-loading", role: driver.RoleEvents, alone: true, run: listsWithoutLoading,
		why: "listing the executions of a busy tenant would read all that ever happened in them",
	},
}

const (
	heavyBytes  = 32 << 20
	heavyEvents = 64
)

// heavyPart returns a part of a history of heavyBytes.
func heavyPart(t *trial, from, n int) []driver.Event {
	events := eventsNamed("heavy ", from, n)
	for i := range events {
		events[i].Payload = make([]byte, heavyBytes/heavyEvents)
		t.rand.Shuffle(1000, func(a, b int) { events[i].Payload[a] = byte(b) }) // not just zeros
	}
	return events
}

// bytesAllocated is what f has allocated, whoever still holds it.
func bytesAllocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// heapInUse is what is in use.
func heapInUse() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// lessThanHalf ends the check unless a number of bytes is less than half of the
// heavy history.
func (t *trial) lessThanHalf(did string, bytes int) {
	if bytes >= heavyBytes/2 {
		t.fatal(did, fmt.Sprintf("%d MiB", bytes>>20), fmt.Sprintf("less than half of the %d MiB that the history has", heavyBytes>>20))
	}
}

func streamsMemory(t *trial) {
	for from := 0; from < heavyEvents; from += 8 {
		t.append(t.Events, "run", heavyPart(t, from, 8)...)
	}
	for _, after := range []uint64{0, heavyEvents - 1, heavyEvents} {
		used := bytesAllocated(func() {
			for _, err := range t.Events.Load(t.ctx, "run", after) {
				t.ok("Load", err)
				break
			}
		})
		t.lessThanHalf(fmt.Sprintf("what Load after %d of %d events allocates for the first", after, heavyEvents), used)
	}
	n, begin := 0, heapInUse()
	for e, err := range t.Events.Load(t.ctx, "run", 0) {
		t.ok("Load", err)
		if n++; e.Sequence != uint64(n) || len(e.Payload) != heavyBytes/heavyEvents {
			t.fatal(fmt.Sprintf("event %d", n), fmt.Sprintf("sequence %d, %d bytes", e.Sequence, len(e.Payload)), fmt.Sprintf("sequence %d, %d bytes", n, heavyBytes/heavyEvents))
		}
		if n == heavyEvents-1 {
			t.lessThanHalf("what Load still holds in memory when nearly all events have been read", heapInUse()-begin)
		}
	}
	equal(t, "the number of events", n, heavyEvents)
}

func listsWithoutLoading(t *trial) {
	const executions = 8
	for i := range executions {
		t.append(t.Events, driver.ExecutionID(fmt.Sprint("run ", i)), heavyPart(t, 0, heavyEvents/executions)...)
	}
	for _, limit := range []int{executions, 3} {
		var list []driver.ExecutionInfo
		used := bytesAllocated(func() { list = walk(t, "ListExecutions", limit, t.Events.ListExecutions) })
		equal(t, "the number of executions", len(list), executions)
		t.lessThanHalf(fmt.Sprintf("what listing %d executions, in pages of %d, allocates", executions, limit), used)
	}
}
