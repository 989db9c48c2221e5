package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/load"
	"github.com/enactdev/enact/internal/soak/store"
)

// errNotDone: the soak could not do what it was told, which says nothing about the
// stores.
var errNotDone = errors.New("not done")

const (
	// oneRound is how long the load of a round lasts, after which everything is read.
	oneRound = 12 * time.Second
	// roundsEach is how many rounds a store is used for before a fresh one takes its
	// place, so that no disk fills up however long the soak goes on.
	roundsEach = 25
)

// soak is a run.
type soak struct {
	options
	begin    time.Time
	journals map[string]*load.Journal

	mu       sync.Mutex
	usage    usage
	rounds   int
	injected map[store.Family]int
}

func newSoak(o options) *soak {
	return &soak{options: o, begin: time.Now(), journals: map[string]*load.Journal{}, usage: usage{}, injected: map[store.Family]int{}}
}

func (s *soak) elapsed() time.Duration { return time.Since(s.begin).Round(time.Second) }

// run goes on until its time is up, something is broken or the context ends.
func (s *soak) run(ctx context.Context) error {
	whole, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	for _, kind := range s.kinds {
		s.journals[kind.Name] = load.NewJournal(kind.Name, stop)
	}
	minutes := time.NewTicker(time.Minute)
	defer minutes.Stop()
	done := make(chan error, 1)
	go func() { done <- s.lives(whole) }()
	for {
		select {
		case err := <-done:
			if cause := context.Cause(whole); cause != nil {
				return cause
			}
			if err != nil {
				return err
			}
			return s.usage.check()
		case <-minutes.C:
			fmt.Println(s.line())
		case <-whole.Done():
			// A call that never ends must not keep the verdict back for ever.
			select {
			case <-done:
			case <-time.After(time.Minute):
			}
			return context.Cause(whole)
		}
	}
}

// lives uses fresh stores again and again.
func (s *soak) lives(ctx context.Context) error {
	for ctx.Err() == nil && time.Since(s.begin) < s.length {
		if err := s.life(ctx); err != nil {
			return err
		}
	}
	return nil
}

// life is the time of one set of stores.
func (s *soak) life(ctx context.Context) (err error) {
	var sites []*site
	defer func() {
		for _, at := range sites {
			err = errors.Join(err, at.close())
		}
	}()
	for _, kind := range s.kinds {
		at, err := openSite(ctx, kind, s.journals[kind.Name])
		if err != nil {
			return err
		}
		sites = append(sites, at)
	}
	for i := 0; i < roundsEach && ctx.Err() == nil && time.Since(s.begin) < s.length; i++ {
		if err := s.round(ctx, sites); err != nil {
			return err
		}
	}
	return nil
}

// round loads all stores for a while, and then measures what is in use when nothing
// happens.
func (s *soak) round(ctx context.Context, sites []*site) error {
	s.mu.Lock()
	s.rounds++
	number := s.rounds
	s.mu.Unlock()
	var all sync.WaitGroup
	errs := make([]error, len(sites))
	for i, at := range sites {
		all.Go(func() { errs[i] = s.roundAt(ctx, at, number, s.seed+uint64(number*len(store.Kinds)+i)) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil || ctx.Err() != nil {
		return err
	}
	for _, at := range sites {
		at.store.Rest()
	}
	s.measured("the soak", client.Measure())
	for _, at := range sites {
		// A worker whose connections were cut just now answers all the same.
		outcome := at.survivor.Call(client.Usage, time.Minute)
		if used, ok := outcome.Value.(client.Used); ok {
			s.measured("the worker of "+at.name, used)
		}
	}
	s.detail("round %d: %s", number, s.inUse())
	return nil
}

func (s *soak) roundAt(ctx context.Context, at *site, number int, seed uint64) error {
	r := at.target.NewRound(ctx, fmt.Sprintf("round %d", number), seed)
	loading, cancel := context.WithTimeout(ctx, min(oneRound, max(time.Second, s.length-time.Since(s.begin))))
	defer cancel()
	var harmed error
	var harming sync.WaitGroup
	harming.Go(func() { harmed = s.harm(loading, ctx, at, seed) })
	r.Run(loading)
	harming.Wait()
	if harmed == nil && ctx.Err() == nil {
		r.Audit(ctx)
	}
	return harmed
}
