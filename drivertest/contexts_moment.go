package drivertest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/enactdev/enact/driver"
)

// momentSize is how many events and documents are written at once.
const momentSize = 100

// cancelledAtAnyMoment cancels large writes and reads from outside, of a store that
// has two handles.
func cancelledAtAnyMoment(t *trial) {
	other := t.open().Tenant(tenantID)
	m := &moments{t: t, s: t.Stores, other: other}
	if t.Vectors != nil {
		t.collection(t.Vectors, "c", 4, driver.Cosine)
	}
	longest := time.Millisecond
	for round := range t.rounds(8, 20) {
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.ctx)
		pause := rand.N(longest)
		works := m.works(round)
		t.together(len(works)+1, func(i int) {
			if i == len(works) {
				t.sleep(pause)
				cancel()
				return
			}
			works[i](ctx)
		})
		cancel()
		longest = max(time.Millisecond, time.Since(begin))
		m.check(round)
	}
}

// moments is what is known of a store whose users are cancelled.
type moments struct {
	t        *trial
	s, other driver.Stores
	total    uint64
	// What the writes of a round returned.
	appended, upserted error
	// set is the last value that is known to be stored, and tried those since.
	set   string
	tried map[string]bool
}

// works are what is done at once in a round.
func (m *moments) works(round int) (works []func(context.Context)) {
	t := m.t
	ends := func(did string, err error) {
		if err != nil {
			t.fails(fmt.Sprintf("round %d: %s, cancelled", round, did), err, context.Canceled)
		}
	}
	if m.s.Events != nil {
		works = append(works, func(ctx context.Context) {
			_, m.appended = m.s.Events.Append(ctx, "run", driver.Expectation{}, eventsNamed(fmt.Sprintf("%d ", round), 0, momentSize))
			ends("Append", m.appended)
		}, func(ctx context.Context) {
			n := uint64(0)
			for e, err := range m.other.Events.Load(ctx, "run", 0) {
				if err != nil {
					ends("Load", err)
					return
				}
				n = e.Sequence
			}
			if n%momentSize != 0 {
				t.fatal("Load without an error, beside an Append that is cancelled", fmt.Sprintf("%d events", n), fmt.Sprintf("a multiple of %d", momentSize))
			}
		})
	}
	if m.s.State != nil {
		works = append(works, func(ctx context.Context) {
			m.tried = map[string]bool{m.set: true}
			for i := range 50 {
				value := fmt.Sprintf("%d %d", round, i)
				m.tried[value] = true
				if _, err := m.s.State.Set(ctx, "key", []byte(value), driver.SetOptions{}); err != nil {
					ends("Set", err)
					return
				}
				m.set, m.tried = value, map[string]bool{value: true}
			}
		})
	}
	if m.s.Vectors != nil {
		works = append(works, func(ctx context.Context) {
			m.upserted = m.s.Vectors.Upsert(ctx, "c", m.docs(round))
			ends("Upsert", m.upserted)
		}, func(ctx context.Context) {
			q := nearest(momentSize, 4, 3, 2, 1)
			q.Filter = driver.And(driver.Exists("round"), driver.Not(driver.Eq("round", driver.Int(-1))))
			for range 50 {
				result, err := m.other.Vectors.Search(ctx, "c", q)
				if err != nil {
					ends("Search", err)
					return
				}
				if n := len(result.Matches); t.target.Eventual == 0 && n != 0 && n != momentSize {
					t.fatal("Search without an error, beside an Upsert that is cancelled", fmt.Sprintf("%d documents", n), fmt.Sprintf("none, or %d", momentSize))
				}
			}
		})
	}
	return works
}

func (m *moments) docs(round int) []driver.Document {
	docs := make([]driver.Document, momentSize)
	for i := range docs {
		docs[i] = driver.Document{ID: fmt.Sprint(i), Metadata: fmt.Appendf(nil, `{"round":%d}`, round), Embedding: []float32{1, float32(i), 3, 4}}
	}
	return docs
}

// check looks at what became of a round's writes.
func (m *moments) check(round int) {
	t := m.t
	if m.s.Events != nil {
		got := t.latest(m.other.Events, "run")
		if got != m.total+momentSize && (m.appended == nil || got != m.total) {
			t.fatal(fmt.Sprintf("the last sequence after an Append of %d events to %d that returned: %v", momentSize, m.total, m.appended), fmt.Sprint(got), "all of them, or none if there was an error")
		}
		m.total = got
		events := t.load(m.other.Events, "run", 0)
		equal(t, "the number of events", uint64(len(events)), m.total)
	}
	if m.s.State != nil && m.set != "" {
		if got := string(t.get(m.other.State, "key").Value); !m.tried[got] {
			t.fatal(fmt.Sprintf("Get after a Set that was cancelled, where %q was stored last", m.set), fmt.Sprintf("%q", got), fmt.Sprintf("one of %s", shorten(m.tried)))
		} else {
			m.set = got
		}
	}
	if m.s.Vectors != nil {
		t.settle()
		m.checkDocuments(round)
	}
}

// checkDocuments makes sure that all documents are of one round.
func (m *moments) checkDocuments(round int) {
	t := m.t
	q := nearest(driver.MaxResults, 1, 1, 1, 1)
	q.Fields.Metadata = true
	matches := t.search(m.other.Vectors, "c", q)
	if n := len(matches); n != momentSize && (n != 0 || m.upserted == nil) {
		t.fatal(fmt.Sprintf("round %d: the documents after an Upsert of %d that returned: %v", round, momentSize, m.upserted), fmt.Sprint(n), "all of them, or as many as before if there was an error")
	}
	for _, match := range matches {
		mine := bytes.Equal(canonical(match.Metadata), canonical(fmt.Appendf(nil, `{"round":%d}`, round)))
		if string(match.Metadata) != string(matches[0].Metadata) || (m.upserted == nil && !mine) {
			t.fatal(fmt.Sprintf("round %d: the documents after an Upsert that returned: %v", round, m.upserted),
				fmt.Sprintf("%q has %s, and %q has %s", matches[0].ID, matches[0].Metadata, match.ID, match.Metadata), "all of one Upsert, and of this one if there was no error")
		}
	}
}
