package client

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/enactdev/enact"
)

// Ask is a call without arguments.
type Ask string

// What can be asked.
const (
	Health Ask = "the backends whether they are well"
	Usage  Ask = "the process what it uses"
)

// Do implements Call.
func (a Ask) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	if a == Health {
		return nil, rt.HealthCheck(ctx)
	}
	return Measure(), nil
}

// Used is what a process uses, after its garbage is collected.
type Used struct {
	Goroutines int
	Heap       uint64 // bytes
	Files      int    // file descriptors; 0 where they cannot be counted
	Resident   uint64 // bytes of memory; 0 where that cannot be known
}

// Measure measures this process.
func Measure() Used {
	debug.FreeOSMemory() // collects the garbage first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	used := Used{Goroutines: runtime.NumGoroutine(), Heap: m.HeapAlloc, Resident: resident()}
	if entries, err := os.ReadDir("/proc/self/fd"); err == nil {
		used.Files = len(entries)
	}
	return used
}
