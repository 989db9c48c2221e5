package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/model"
	"github.com/enactdev/enact/internal/soak/store"
)

// Pauses between faults, and how long one lasts.
const (
	longestPeace = 1500 * time.Millisecond
	longestFault = model.LongestPause
)

// harm injects faults into a site until the context ends: into its store and into its
// processes, one of each at a time. When it returns all is as it was. whole is the
// context of the soak.
func (s *soak) harm(ctx, whole context.Context, at *site, seed uint64) error {
	var both sync.WaitGroup
	errs := make([]error, 2)
	for i, faults := range [][]store.Fault{at.store.Faults(), at.processFaults(whole)} {
		faults = slices.DeleteFunc(faults, func(f store.Fault) bool { return !slices.Contains(s.faults, f.Family) })
		if len(faults) == 0 {
			continue
		}
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		both.Go(func() {
			for errs[i] == nil {
				select {
				case <-ctx.Done():
					return
				case <-time.After(time.Duration(r.Int64N(int64(longestPeace)))):
				}
				fault := faults[r.IntN(len(faults))]
				errs[i] = s.inject(ctx, at, fault, r)
			}
		})
	}
	both.Wait()
	switch {
	case whole.Err() != nil:
	case errs[0] != nil:
		return fmt.Errorf("%w: %s: a fault cannot be injected or undone: %w", errNotDone, at.name, errs[0])
	case errs[1] != nil:
		return fmt.Errorf("%s: %w", at.name, errs[1])
	}
	return nil
}

func (s *soak) inject(ctx context.Context, at *site, fault store.Fault, r *rand.Rand) error {
	// Short ones are the more interesting: more of them fit.
	d := time.Duration(r.Int64N(1 + r.Int64N(int64(longestFault))))
	s.detail("%s: %s for %v", at.name, fault.Family, d.Round(time.Millisecond))
	s.counted(fault.Family)
	return fault.Inject(ctx, d, r)
}

// processFaults are those of the processes that make calls.
func (s *site) processFaults(whole context.Context) []store.Fault {
	pause := func(p *client.Process) store.Fault {
		return store.Fault{Family: store.Stall, Inject: func(ctx context.Context, d time.Duration, _ *rand.Rand) error {
			return p.Pause(ctx, d)
		}}
	}
	kill := store.Fault{Family: store.Kill, Inject: func(context.Context, time.Duration, *rand.Rand) error {
		s.victim.Kill()
		return s.victim.Start(whole)
	}}
	return []store.Fault{kill, kill, pause(s.survivor), pause(s.victim)}
}
