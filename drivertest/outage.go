package drivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/enactdev/enact/driver"
)

// attempt is a write that an interruption may meet. No two are about the same
// thing, so that what became of it can be told.
type attempt struct {
	id    string
	write func(ctx context.Context, s driver.Stores, id string) error
	// found says what of it is there: nothing, all, or what there is instead.
	found func(ctx context.Context, s driver.Stores, id string) (string, error)
	err   error
}

const nothing, all = "nothing", "all of it"

// unavailableIsNotApplied takes the engine away while several write, looks
// afterwards what became of every write, and repeats those that failed.
func unavailableIsNotApplied(t *trial) {
	e := t.engine()
	b := t.openDSN(e.DSN)
	s := b.Tenant(tenantID)
	t.comesBack("opening", b)
	kinds := t.attemptKinds(s)
	var left []attempt
	for round := range t.rounds(3, 10) {
		made := t.interrupted(e, b, kinds, round)
		e.start()
		t.comesBack("after the engine was stopped", b)
		for _, a := range made {
			t.judge(s, a)
		}
		for i, a := range made {
			if a.err != nil && i%2 == 0 {
				t.repeat(s, a)
			} else {
				left = append(left, a)
			}
		}
	}
	for _, a := range left { // whatever came late has come
		t.judge(s, a)
	}
}

// interrupted stops the engine while writers are busy, and returns what they tried
// before and after.
func (t *trial) interrupted(e *stoppable, b driver.Backend, kinds []attempt, round int) []attempt {
	const writers, most, afterwards = 4, 12, 2
	var busy, stopped atomic.Int64
	made := make([][]attempt, writers)
	t.together(writers+1, func(w int) {
		if w == writers {
			for begin := time.Now(); busy.Load() < 2*writers && time.Since(begin) < t.patience(); {
				t.sleep(100 * time.Microsecond)
			}
			e.stop()
			stopped.Store(1)
			return
		}
		after := 0
		for i := 0; after < afterwards*len(kinds); i++ {
			if i >= most && stopped.Load() == 0 {
				t.sleep(time.Millisecond)
				continue
			}
			if stopped.Load() != 0 {
				after++
			}
			a := kinds[(i+w)%len(kinds)]
			a.id = fmt.Sprintf("round-%d-writer-%d-%d", round, w, i)
			ctx, cancel := context.WithTimeout(t.ctx, 2*time.Second)
			a.err = a.write(ctx, b.Tenant(tenantID), a.id)
			cancel()
			made[w] = append(made[w], a)
			busy.Add(1)
		}
	})
	return slices.Concat(made...)
}

// judge ends the check unless what an attempt returned is true.
func (t *trial) judge(s driver.Stores, a attempt) {
	var found string
	t.persist("reading after the engine is back", func() (err error) {
		found, err = a.found(t.ctx, s, a.id)
		return err
	})
	did := fmt.Sprintf("write %q around an interruption, which returned %v", a.id, a.err)
	switch {
	case a.err == nil && found != all:
		t.fatal(did+", and what is there afterwards", found, all)
	case errors.Is(a.err, driver.ErrUnavailable) && found != nothing:
		t.fatal(did+", and what is there afterwards", found, nothing)
	case found != nothing && found != all:
		t.fatal(did+", and what is there afterwards", found, "nothing, or all of it")
	}
}

// repeat makes the same write again, which must now be applied, once.
func (t *trial) repeat(s driver.Stores, a attempt) {
	t.persist(fmt.Sprintf("write %q, repeated after the engine is back", a.id), func() error { return a.write(t.ctx, s, a.id) })
	found, err := a.found(t.ctx, s, a.id)
	t.ok("reading after the engine is back", err)
	equal(t, fmt.Sprintf("write %q, repeated after it returned %v", a.id, a.err), found, all)
}

// persist allows a pool some errors from connections that it had before.
func (t *trial) persist(did string, f func() error) {
	t.until(did, t.patience(), "no error", func() (string, bool) {
		err := f()
		return fmt.Sprintf("error: %v", err), err == nil
	})
}

// attemptKinds returns a write for every role, and prepares what they need.
func (t *trial) attemptKinds(s driver.Stores) (kinds []attempt) {
	if s.Events != nil {
		kinds = append(kinds, attempt{write: appendTwo, found: twoEvents})
	}
	if s.State != nil {
		kinds = append(kinds, attempt{write: setKey, found: keySet}, attempt{write: saveOne, found: savedOne})
	}
	if s.Messages != nil {
		t.thread(s.Messages, "thread")
		kinds = append(kinds, attempt{write: sayOne, found: saidOne})
	}
	if s.Vectors != nil {
		t.collection(s.Vectors, "collection", 1, driver.Dot)
		kinds = append(kinds, attempt{write: upsertTwo, found: t.twoDocuments})
	}
	return kinds
}

func appendTwo(ctx context.Context, s driver.Stores, id string) error {
	_, err := s.Events.Append(ctx, driver.ExecutionID(id), driver.Expectation{}, eventsNamed(id, 1, 2))
	return err
}

func twoEvents(ctx context.Context, s driver.Stores, id string) (string, error) {
	var there []string
	for e, err := range s.Events.Load(ctx, driver.ExecutionID(id), 0) {
		if err != nil {
			return "", err
		}
		there = append(there, fmt.Sprintf("%d %s %s", e.Sequence, e.ID, e.Payload))
	}
	return foundOf(there, "1 "+id+"1 "+id+"1", "2 "+id+"2 "+id+"2"), nil
}

func setKey(ctx context.Context, s driver.Stores, id string) error {
	_, err := s.State.Set(ctx, id, []byte("value of "+id), driver.SetOptions{})
	return err
}

func keySet(ctx context.Context, s driver.Stores, id string) (string, error) {
	entry, err := s.State.Get(ctx, id)
	return foundOne(string(entry.Value), "value of "+id, err)
}

func saveOne(ctx context.Context, s driver.Stores, id string) error {
	return s.State.SaveSnapshot(ctx, snapshot(id, 1, "state of "+id))
}

func savedOne(ctx context.Context, s driver.Stores, id string) (string, error) {
	saved, err := s.State.LoadSnapshot(ctx, driver.ExecutionID(id))
	return foundOne(string(saved.Data), "state of "+id, err)
}

func sayOne(ctx context.Context, s driver.Stores, id string) error {
	_, err := s.Messages.CreateMessage(ctx, said("thread", driver.MessageID(id)))
	return err
}

func saidOne(ctx context.Context, s driver.Stores, id string) (string, error) {
	m, err := s.Messages.GetMessage(ctx, driver.MessageID(id), false)
	return foundOne(string(m.Content), id, err)
}

func upsertTwo(ctx context.Context, s driver.Stores, id string) error {
	return s.Vectors.Upsert(ctx, "collection", []driver.Document{doc(id+"1", 1), doc(id+"2", 2)})
}

func (t *trial) twoDocuments(ctx context.Context, s driver.Stores, id string) (string, error) {
	t.settle()
	var there []string
	for _, n := range []string{"1", "2"} {
		d, err := s.Vectors.Get(ctx, "collection", id+n)
		if errors.Is(err, driver.ErrNotFound) {
			continue
		} else if err != nil {
			return "", err
		}
		there = append(there, fmt.Sprint(d.ID, " ", d.Embedding))
	}
	return foundOf(there, id+"1 [1]", id+"2 [2]"), nil
}

func foundOne(got, want string, err error) (string, error) {
	if errors.Is(err, driver.ErrNotFound) {
		return nothing, nil
	} else if err != nil {
		return "", err
	}
	return foundOf([]string{got}, want), nil
}

func foundOf(got []string, want ...string) string {
	switch {
	case len(got) == 0:
		return nothing
	case slices.Equal(got, want):
		return all
	}
	return shorten(got)
}
