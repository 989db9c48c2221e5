package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/model"
)

// set sets or deletes a key that only this worker writes.
func (w *worker) set(t *tenant) {
	r := t.keys[w.number*keysEach+w.rand.IntN(keysEach)]
	s := &model.Setting{Value: w.text(t, w.name())}
	var call client.Call
	switch w.rand.IntN(6) {
	case 0:
		s.Deletes = true
		call = client.Delete{Tenant: t.id, Key: r.Name}
	case 1, 2:
		s.TTL = []time.Duration{100 * time.Millisecond, 500 * time.Millisecond, 2 * time.Second}[w.rand.IntN(3)]
		fallthrough
	default:
		call = client.Set{Tenant: t.id, Key: r.Name, Value: []byte(s.Value), TTL: s.TTL}
	}
	r.Begin(s)
	fate, outcome := w.write(call)
	version, _ := outcome.Value.(uint64)
	w.Journal.Judge(r.End(s, fate, version))
}

// mostSteps bounds the value of a counter.
const mostSteps = 500

// count counts a counter up, if nobody else does at the same time.
func (w *worker) count(t *tenant) {
	c := t.counters[w.rand.IntN(len(t.counters))]
	value, version, ok := w.readCounter(t, c)
	if !ok || value.N >= mostSteps {
		return
	}
	step := w.name()
	c.Begin(step)
	fate, _ := w.write(client.Set{Tenant: t.id, Key: c.Name, Value: value.Next(step), Version: version, Conditional: true}, enact.ErrConflict)
	c.End(step, fate)
}

func (w *worker) readCounter(t *tenant, c *model.Counter) (model.Count, uint64, bool) {
	entry, during, err := read[enact.Entry](w, w.anyClient(), client.Get{Tenant: t.id, Key: c.Name}, w.timeout(), enact.ErrNotFound)
	if errors.Is(err, errNotRead) {
		return model.Count{}, 0, false
	}
	count, err := c.Check(entry.Value, during)
	w.Journal.Judge(err)
	return count, entry.Version, err == nil
}

// contend tries to be the first to create a key.
func (w *worker) contend(t *tenant) {
	t.mu.Lock()
	if n := len(t.contests); n == 0 || w.rand.IntN(workers) == 0 {
		t.contests = append(t.contests, model.NewContest(fmt.Sprintf("first-%d", n)))
	}
	c := t.contests[len(t.contests)-1]
	t.mu.Unlock()
	value := w.name()
	c.Begin(value)
	call := client.Set{Tenant: t.id, Key: c.Name, Value: []byte(value), Conditional: true}
	fate, outcome := w.write(call, enact.ErrExists)
	w.Journal.Judge(c.End(value, fate, outcome.Err.Is(enact.ErrExists)))
}

// readState reads a key, a contest, or lists keys.
func (w *worker) readState(t *tenant) {
	c, timeout := w.anyClient(), w.timeout()
	switch w.rand.IntN(4) {
	case 0:
		known := map[string]*model.Register{}
		for _, r := range t.keys {
			known[r.Name] = r
		}
		if list, during, err := read[[]enact.EntryInfo](w, c, client.Keys{Tenant: t.id, Prefix: "key-", Limit: 1 + w.rand.IntN(10)}, timeout); err == nil {
			w.Journal.Judge(model.CheckKeys(known, list, during))
		}
	case 1:
		t.mu.Lock()
		contests := t.contests
		t.mu.Unlock()
		if len(contests) > 0 {
			contest := contests[w.rand.IntN(len(contests))]
			w.checkKey(c, t, contest.Name, timeout, contest.Check)
		}
	default:
		r := t.keys[w.rand.IntN(len(t.keys))]
		w.checkKey(c, t, r.Name, timeout, r.Check)
	}
}

func (w *worker) checkKey(c client.Client, t *tenant, key string, timeout time.Duration, check func(model.Reading, model.Span) error) {
	entry, during, err := read[enact.Entry](w, c, client.Get{Tenant: t.id, Key: key}, timeout, enact.ErrNotFound)
	if !errors.Is(err, errNotRead) {
		w.Journal.Judge(check(readingOf(entry, err), during))
	}
}

func readingOf(entry enact.Entry, err error) model.Reading {
	return model.Reading{Found: err == nil, Value: string(entry.Value), Version: entry.Version}
}
