package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/enactdev/enact/internal/soak/client"
)

// usage is what each process used when nothing happened, round by round.
type usage map[string][]client.Used

func (u usage) add(process string, used client.Used) { u[process] = append(u[process], used) }

// What a process may use more of in the last quarter of the soak than in the first.
// Three processes have up to four connections to each of two servers, each with two
// goroutines and two files of its proxy, and are sometimes seen with all and sometimes
// with none; pages and statements are cached up to a limit that is not reached at once;
// and what Go gives back to the system it gives back late. A leak of one goroutine, file
// or few kilobytes for each call is far above that after two minutes.
const (
	moreGoroutines = 60
	moreFiles      = 60
	moreHeap       = 4 << 20
	moreResident   = 24 << 20
)

// fewest is how many rounds there must be to compare quarters.
const fewest = 5

// check compares the medians of the first and the last quarter. The first round of all
// is left out: it makes what is made once.
func (u usage) check() error {
	for _, process := range slices.Sorted(maps.Keys(u)) {
		rounds := u[process]
		if len(rounds) < fewest {
			continue
		}
		rounds = rounds[1:]
		quarter := (len(rounds) + 3) / 4
		first, last := rounds[:quarter], rounds[len(rounds)-quarter:]
		for _, m := range measures {
			before, after := median(first, m.of), median(last, m.of)
			if after > before+m.more {
				return fmt.Errorf("%s of %s grow: %s in the first quarter of the soak, %s in the last", m.name, process, m.show(before), m.show(after))
			}
		}
	}
	return nil
}

var measures = []struct {
	name string
	more uint64
	of   func(client.Used) uint64
	show func(uint64) string
}{
	{"the goroutines", moreGoroutines, func(x client.Used) uint64 { return uint64(x.Goroutines) }, count},
	{"the open files", moreFiles, func(x client.Used) uint64 { return uint64(x.Files) }, count},
	{"the bytes on the heap", moreHeap, func(x client.Used) uint64 { return x.Heap }, mebibytes},
	{"the resident bytes", moreResident, func(x client.Used) uint64 { return x.Resident }, mebibytes},
}

func count(n uint64) string     { return fmt.Sprint(n) }
func mebibytes(n uint64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func median(rounds []client.Used, of func(client.Used) uint64) uint64 {
	var all []uint64
	for _, used := range rounds {
		all = append(all, of(used))
	}
	slices.Sort(all)
	return all[len(all)/2]
}

// last describes what was measured last.
func (u usage) last() string {
	var parts []string
	for _, process := range slices.Sorted(maps.Keys(u)) {
		rounds := u[process]
		used := rounds[len(rounds)-1]
		parts = append(parts, fmt.Sprintf("%s %d goroutines %d files %s heap %s resident", process, used.Goroutines, used.Files, mebibytes(used.Heap), mebibytes(used.Resident)))
	}
	return strings.Join(parts, ", ")
}
