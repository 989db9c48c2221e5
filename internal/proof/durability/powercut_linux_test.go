package durability

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestPowerCut: whatever a power cut leaves of what was not synced, everything that
// was acknowledged before it is there, batches are there whole or not at all, the
// file is sound, and writing goes on.
func TestPowerCut(t *testing.T) {
	tr := traceOf(t, recorded)
	chosen := *seed
	if chosen == 0 {
		chosen = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", chosen)
	moments := tr.moments()
	for _, kind := range kinds {
		if len(moments[kind]) == 0 {
			t.Fatalf("the trace has no moment of this kind, so it proves too little: %s", kind)
		}
		t.Logf("%5d moments of this kind: %s", len(moments[kind]), kind)
	}
	cuts := chooseCuts(tr, *points, chosen)
	if err := cutPower(t.Context(), tr, cuts, t.ArtifactDir()); err != nil {
		t.Errorf("seed %d: %v", chosen, err)
	}
}

// cut is a power cut before a step.
type cut struct {
	step int
	seed uint64
}

// chooseCuts takes half of the steps anywhere in the trace, and half from moments of
// every kind in equal shares.
func chooseCuts(tr *trace, n int, seed uint64) []cut {
	random := rand.New(rand.NewPCG(seed, 0))
	moments := tr.moments()
	cuts := make([]cut, n)
	for i := range cuts {
		cuts[i] = cut{random.IntN(len(tr.steps) + 1), random.Uint64()}
		if of := moments[kinds[i/2%len(kinds)]]; i%2 == 1 && len(of) > 0 {
			cuts[i].step = min(of[random.IntN(len(of))]+random.IntN(3), len(tr.steps))
		}
	}
	slices.SortFunc(cuts, func(a, b cut) int { return cmp.Compare(a.step, b.step) })
	return cuts
}

const (
	making        = "a step before the first acknowledgement"
	resetting     = "a new header of the WAL"
	committing    = "a write to the WAL"
	checkpointing = "a write to the database file"
	shortening    = "a file made shorter"
	renaming      = "a name given or taken away"
	syncing       = "a sync"
	acknowledging = "an acknowledgement"
)

var kinds = []string{making, resetting, committing, checkpointing, shortening, renaming, syncing, acknowledging}

// moments are the steps of each kind.
func (tr *trace) moments() map[string][]int {
	m := map[string][]int{}
	for i, s := range tr.steps {
		var kind string
		switch {
		case s.name == "pwrite64" && s.path == tr.wal() && s.offset == 0:
			kind = resetting
		case s.name == "pwrite64" && s.path == tr.wal():
			kind = committing
		case s.name == "pwrite64" && s.path == tr.database:
			kind = checkpointing
		case s.name == "ftruncate":
			kind = shortening
		case s.creates, s.name == "unlink":
			kind = renaming
		case s.syncs():
			kind = syncing
		case s.acknowledges != nil:
			kind = acknowledging
		}
		m[kind] = append(m[kind], i)
		if len(m[acknowledging]) == 0 {
			m[making] = append(m[making], i)
		}
	}
	return m
}

// cutPower examines what is left after each cut, until one breaks a promise; then
// what was found is kept in a folder.
func cutPower(ctx context.Context, tr *trace, cuts []cut, artifacts string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	outages := make(chan outage)
	var examining sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		examining.Go(func() {
			for o := range outages {
				if err := o.examine(ctx); err != nil && ctx.Err() == nil {
					cancel(fmt.Errorf("a power cut before step %d of %d, with %d changes that were not synced, after these acknowledgements: %v: %w%s",
						o.step, len(tr.steps), o.unsynced, o.promised, err, o.keep(artifacts)))
				}
			}
		})
	}
	d, promised := newDisk(tr), promises{}
	for _, c := range cuts {
		for d.position < c.step {
			promised.add(tr.steps[d.position])
			d.play()
		}
		if ctx.Err() != nil {
			break
		}
		l := newLuck(rand.New(rand.NewPCG(c.seed, 0)))
		found := d.afterPowerCut(l)
		if l.garbage {
			// The index of the WAL is memory that is shared by way of a file.
			found[databaseName+"-shm"] = make([]byte, 32<<10)
			fill(found[databaseName+"-shm"], l)
		}
		outages <- outage{c, d.unsynced(), found, maps.Clone(promised)}
	}
	close(outages)
	examining.Wait()
	return context.Cause(ctx)
}
