package contract_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact"
)

// modelSteps is how many operations the model test applies.
const modelSteps = 2000

// TestModel applies one random sequence of operations to memory and to an SQLite
// file, each through two handles, and to an SQLite database in memory, which has one,
// and compares every result. ENACT_TEST_SEED repeats a run.
func TestModel(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	if given := os.Getenv("ENACT_TEST_SEED"); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		must(t, "reading ENACT_TEST_SEED", err)
	}
	t.Logf("ENACT_TEST_SEED=%d", seed)
	sides := []*side{newSide(t, inMemory), newSide(t, sqliteFile), newSide(t, sqliteRAM)}
	g := newGenerator(seed)
	var log []string
	for n := range modelSteps {
		step := g.step()
		handle := g.IntN(2)
		log = append(log, fmt.Sprintf("%d: %s", n, step.doing))
		results := make([]outcome, len(sides))
		for i, s := range sides {
			s.t = s.handles[handle].Tenant(step.tenant)
			result, err := step.run(s)
			results[i] = outcome{result, s.classify(err)}
		}
		for i := range sides[1:] {
			if reflect.DeepEqual(results[0], results[i+1]) {
				continue
			}
			_, a, b := firstDifference("", results[0].result, results[i+1].result)
			t.Fatalf("with ENACT_TEST_SEED=%d, %s came back as\n\t%s\n\t%s\nfrom %s and as\n\t%s\n\t%s\nfrom %s; before it came\n%s", seed, log[n],
				shorten(a), results[0].failure, sides[0].kind.name, shorten(b), results[i+1].failure, sides[i+1].kind.name, strings.Join(log[max(0, n-15):n], "\n"))
		}
	}
}

// outcome is what comes of an operation, as far as backends must agree.
type outcome struct {
	result  any
	failure string
}

// side is one of the stores that are compared.
type side struct {
	*fixture
	kind    backendKind
	handles [2]*enact.Runtime
	t       *enact.Tenant // of the current step
	// versions of each state key, in the order in which they were handed out.
	// Backends number them differently, so an index stands for a version.
	versions map[[2]string][]uint64
	key      string // of the current step, if it is about one
}

func newSide(t *testing.T, kind backendKind) *side {
	s := &side{fixture: newFixture(t, kind), kind: kind, versions: map[[2]string][]uint64{}}
	s.handles = [2]*enact.Runtime{s.rt, s.rt}
	if !s.alone() {
		s.handles[1] = s.open()
	}
	return s
}

// alone reports whether the store ends with its one handle.
func (s *side) alone() bool { return s.kind.name == sqliteRAM.name }

func (s *side) known(key string) []uint64 { return s.versions[[2]string{string(s.t.ID()), key}] }

// index stands for a version: 1 for the first of the key, 0 for none, -1 for one
// that was never handed out.
func (s *side) index(key string, version uint64) int {
	if version == 0 {
		return 0
	}
	if i := slices.Index(s.known(key), version); i >= 0 {
		return i + 1
	}
	return -1
}

// handedOut remembers a version, which must be greater than all before it.
func (s *side) handedOut(key string, version uint64) int {
	known := s.known(key)
	if len(known) > 0 && version <= known[len(known)-1] {
		s.Fatalf("key %q of tenant %q got version %d in %s; it has had %d", key, s.t.ID(), version, s.kind.name, known[len(known)-1])
	}
	s.versions[[2]string{string(s.t.ID()), key}] = append(known, version)
	return len(known) + 1
}

// versionAt is the inverse of index. What was never handed out is far off.
func (s *side) versionAt(key string, index int) uint64 {
	if known := s.known(key); index >= 1 && index <= len(known) {
		return known[index-1]
	}
	if index == 0 {
		return 0
	}
	return math.MaxInt64
}

// classify says which errors of the contract err matches, and what a typed one
// holds.
func (s *side) classify(err error) string {
	if err == nil {
		return "no error"
	}
	var found []string
	for _, known := range []error{enact.ErrNotFound, enact.ErrConflict, enact.ErrExists, enact.ErrInvalid, enact.ErrTooLarge, enact.ErrUnsupported, enact.ErrUnavailable, enact.ErrClosed} {
		if errors.Is(err, known) {
			found = append(found, known.Error())
		}
	}
	if found == nil {
		found = []string{"none of the contract's: " + err.Error()}
	}
	var conflict *enact.ConflictError
	if errors.As(err, &conflict) {
		expected, actual := int(conflict.Expected), int(conflict.Actual)
		if s.key != "" {
			expected, actual = s.index(s.key, conflict.Expected), s.index(s.key, conflict.Actual)
		}
		if conflict.Event != "" {
			expected = 0 // meaningless there
		}
		found = append(found, fmt.Sprintf("%s: expected %d, actual %d, event %q, absent %t", conflict.Subject, expected, actual, conflict.Event, conflict.MustBeAbsent))
	}
	return strings.Join(found, ", ")
}

// stamped stands for every time that a store's clock has given. Those that the
// test gives are long past.
var stamped = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)

func normalTime(t time.Time) time.Time {
	if t.Year() > 2020 {
		return stamped
	}
	return t
}

func normalTimes(times ...*time.Time) {
	for _, t := range times {
		*t = normalTime(*t)
	}
}

func (s *side) normalInfo(i enact.EntryInfo) enact.EntryInfo {
	i.Version, i.ExpiresAt = uint64(s.index(i.Key, i.Version)), normalTime(i.ExpiresAt)
	return i
}

func normalThread(t enact.Thread) enact.Thread {
	normalTimes(&t.CreatedAt, &t.UpdatedAt, &t.DeletedAt)
	return t
}

func normalMessage(m enact.Message) enact.Message {
	normalTimes(&m.CreatedAt, &m.UpdatedAt, &m.DeletedAt)
	return m
}

func normalEvent(e enact.Event) enact.Event {
	normalTimes(&e.Time)
	return e
}

func normalExecution(x enact.ExecutionInfo) enact.ExecutionInfo {
	normalTimes(&x.CreatedAt, &x.UpdatedAt)
	return x
}

// listed reads a whole listing in pages of limit.
func listed[T any](s *side, limit int, list lister[T], normal func(T) T) (all []T, err error) {
	page := enact.Page{Limit: limit}
	for {
		items, next, err := list(s.ctx, page)
		if err != nil {
			return nil, err
		}
		if len(items) > limit || (next != "" && len(items) < limit) {
			return nil, fmt.Errorf("a page of %d has %d entries and cursor %q", limit, len(items), next)
		}
		for _, item := range items {
			all = append(all, normal(item))
		}
		if next == "" {
			return all, nil
		}
		page.Cursor = next
	}
}

func same[T any](item T) T { return item }

// step is an operation with its arguments.
type step struct {
	doing  string
	tenant enact.TenantID
	run    func(*side) (any, error)
}

// generator makes random operations. Its identifiers and contents are few, so that
// they meet again.
type generator struct {
	*rand.Rand
	ids     []string
	tenants []enact.TenantID
	batches []batch
}

// batch is an append that was made before.
type batch struct {
	run    enact.ExecutionID
	events []enact.EventData
}

func newGenerator(seed uint64) *generator {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 0)), tenants: []enact.TenantID{"a", "a/b"}}
	// Neighbours here are those that are easily mixed up.
	families := [][]string{{"a", "A", "a ", "a/b", "a:b"}, {"é", "e\u0301", "É", "e"}, {"%", "_", "a' OR 1=1 --", "\\"}, {strings.Repeat("x", 255), strings.Repeat("x", 254), "x"}}
	first := g.IntN(len(families))
	g.ids = slices.Concat(families[first][:3], families[(first+1)%len(families)][:2])
	return g
}

func pick[T any](g *generator, of ...T) T { return of[g.IntN(len(of))] }

// maybe is true once in n times.
func (g *generator) maybe(n int) bool { return g.IntN(n) == 0 }

func (g *generator) id() string { return pick(g, g.ids...) }

func (g *generator) time() time.Time {
	if g.maybe(2) {
		return time.Time{}
	}
	return time.Date(2001, 2, 3, 4, 5, 6, g.IntN(3)*1000+g.IntN(1000), time.UTC)
}

func (g *generator) metadata() json.RawMessage {
	return json.RawMessage(pick(g, ``, `{}`, `{"k":1}`, `{"k":1.0,"l":"a"}`, `{"k":[1,2,2,"a"],"a.b":null}`, `{"k":null,"l":["b",true,1.5]}`,
		`{"k":{"x":1}}`, `{"k":9007199254740993}`, `{"k":1e400,"l":""}`, `{"k":[],"l":[[1]]}`, `{"k":false,"k":2}`, `{"k":"a","l":-0.0,"a.b":3}`))
}

func (g *generator) step() step {
	s := step{tenant: pick(g, g.tenants...)}
	families := []func() (string, func(*side) (any, error)){
		g.appending, g.appending, g.reading, g.setting, g.setting, g.gettingState, g.snapshots,
		g.threads, g.threads, g.creatingMessages, g.creatingMessages, g.changingMessages, g.readingMessages,
		g.changingMessages, g.collections, g.upserting, g.upserting, g.deletingDocuments, g.searching, g.searching, g.searching,
	}
	if g.maybe(100) {
		s.doing, s.run = g.upkeep()
	} else {
		s.doing, s.run = pick(g, families...)()
	}
	s.doing = fmt.Sprintf("tenant %q: %.1000s", s.tenant, s.doing)
	inner := s.run
	s.run = func(side *side) (any, error) {
		side.key = ""
		return inner(side)
	}
	return s
}

func (g *generator) appending() (string, func(*side) (any, error)) {
	run := enact.ExecutionID(g.id())
	expect := enact.ExpectAny()
	relative := g.IntN(4) // 0: expects nothing, 1 and 2: what is right, 3: a guess
	guess := uint64(g.IntN(12))
	events := g.events(&run)
	return fmt.Sprintf("append to %q, expectation %d, guess %d: %s", run, relative, guess, shorten(events)), func(s *side) (any, error) {
		switch relative {
		case 1, 2:
			last, err := s.t.Events.LatestSequence(s.ctx, run)
			must(s, "LatestSequence", err)
			expect = enact.ExpectLast(last)
		case 3:
			expect = enact.ExpectLast(guess)
		}
		return s.t.Events.Append(s.ctx, run, expect, events...)
	}
}

// events are new ones or, of an earlier append, all or a part, perhaps in another
// order or with something else behind it.
func (g *generator) events(run *enact.ExecutionID) (events []enact.EventData) {
	if len(g.batches) > 0 && g.maybe(3) {
		old := g.batches[max(0, len(g.batches)-1-g.IntN(12))]
		*run = old.run
		from := g.IntN(len(old.events))
		events = slices.Clone(old.events[from : from+1+g.IntN(len(old.events)-from)])
		if g.maybe(5) {
			slices.Reverse(events)
		}
		if !g.maybe(5) {
			return events
		}
	}
	for range 1 + g.IntN(4) {
		events = append(events, enact.Identified{
			ID: enact.EventID(fmt.Sprint(pick(g, "e", "E", "01890a5d-ac96-774b-bcce-b302099a8", ""), 100+g.IntN(200))), Time: g.time(),
			Data: enact.Custom{Type: pick(g, "t", "T"), Data: []byte(pick(g, "", "x", "\x00\xff"))},
		})
	}
	g.batches = append(g.batches, batch{*run, events})
	return events
}

func (g *generator) reading() (string, func(*side) (any, error)) {
	run, after, limit := enact.ExecutionID(g.id()), uint64(g.IntN(9)), 1+g.IntN(4)
	if g.maybe(3) {
		return fmt.Sprintf("list executions by %d", limit), func(s *side) (any, error) {
			return listed(s, limit, s.t.Events.ListExecutions, normalExecution)
		}
	}
	return fmt.Sprintf("load %q after %d", run, after), func(s *side) (any, error) {
		var events []enact.Event
		for e, err := range s.t.Events.Load(s.ctx, run, after) {
			if err != nil {
				return nil, err
			}
			events = append(events, normalEvent(e))
		}
		return events, nil
	}
}

func (g *generator) setting() (string, func(*side) (any, error)) {
	key, value := g.id(), pick(g, "", "x", "y\x00\xff")
	ttl := pick(g, 0, 0, 0, time.Hour, time.Millisecond)
	condition, index := g.IntN(5), g.IntN(8) // 0 to 2: none, 3: absent, 4: a version
	if ttl == time.Millisecond && !g.maybe(6) {
		ttl = 0 // each costs a wait
	}
	remove := g.maybe(3)
	return fmt.Sprintf("set or delete (%t) %q to %q, TTL %v, condition %d, version %d from the last", remove, key, value, ttl, condition, index-2), func(s *side) (any, error) {
		s.key = key
		var options []enact.SetOption
		switch condition {
		case 3:
			options = append(options, enact.IfAbsent())
		case 4:
			options = append(options, enact.IfVersion(s.versionAt(key, max(0, len(s.known(key))-max(0, index-2)))))
		}
		if remove {
			return nil, s.t.State.Delete(s.ctx, key, options...)
		}
		version, err := s.t.State.Set(s.ctx, key, []byte(value), append(options, enact.WithTTL(ttl))...)
		if err != nil {
			return nil, err
		}
		if ttl == time.Millisecond {
			time.Sleep(5 * time.Millisecond) // expired for all that follows
		}
		return s.handedOut(key, version), nil
	}
}

func (g *generator) gettingState() (string, func(*side) (any, error)) {
	key, limit := g.id(), 1+g.IntN(4)
	if g.maybe(2) {
		prefix := pick(g, "", "a", "a/", "%", "e", "\u00e9", "x")
		return fmt.Sprintf("list the keys that begin with %q by %d", prefix, limit), func(s *side) (any, error) {
			return listed(s, limit, keysOf(s.t, prefix), s.normalInfo)
		}
	}
	return fmt.Sprintf("get %q", key), func(s *side) (any, error) {
		entry, err := s.t.State.Get(s.ctx, key)
		entry.EntryInfo = s.normalInfo(entry.EntryInfo)
		return entry, err
	}
}

func (g *generator) snapshots() (string, func(*side) (any, error)) {
	run := enact.ExecutionID(g.id())
	snapshot := stateAt(run, uint64(1+g.IntN(4)), pick(g, "one", "two"))
	limit := 1 + g.IntN(4)
	switch g.IntN(5) {
	case 0, 1:
		return fmt.Sprint("save ", shorten(snapshot)), func(s *side) (any, error) { return nil, s.t.State.SaveSnapshot(s.ctx, snapshot) }
	case 2:
		return fmt.Sprintf("load the snapshot of %q", run), func(s *side) (any, error) { return s.t.State.LoadSnapshot(s.ctx, run) }
	case 3:
		return fmt.Sprintf("delete the snapshot of %q", run), func(s *side) (any, error) { return nil, s.t.State.DeleteSnapshot(s.ctx, run) }
	}
	return fmt.Sprintf("list snapshots by %d", limit), func(s *side) (any, error) {
		return listed(s, limit, s.t.State.ListSnapshots, func(i enact.SnapshotInfo) enact.SnapshotInfo {
			normalTimes(&i.Time)
			return i
		})
	}
}

func (g *generator) includeDeleted() (include bool, options []enact.GetOption) {
	if g.maybe(2) {
		return true, []enact.GetOption{enact.IncludeDeleted()}
	}
	return false, nil
}

func (g *generator) threads() (string, func(*side) (any, error)) {
	th := enact.Thread{ID: enact.ThreadID(g.id()), User: enact.UserID(pick(g, "u", "U")), Title: pick(g, "", "x\xff\x00"), Metadata: g.metadata(), CreatedAt: g.time()}
	include, options := g.includeDeleted()
	limit, off, change := 1+g.IntN(3), g.IntN(8), g.IntN(10)
	switch g.IntN(10) {
	case 0, 1, 2:
		if g.maybe(4) {
			th.DeletedAt, th.Version = time.Date(2002, 1, 1, 0, 0, 0, 0, time.UTC), 7 // not the caller's to say
		}
		return fmt.Sprint("create ", shorten(th)), func(s *side) (any, error) {
			stored, err := s.t.Messages.CreateThread(s.ctx, th)
			return normalThread(stored), err
		}
	case 3, 4:
		return fmt.Sprintf("update %s, version %d, change %d", shorten(th), off, change), func(s *side) (any, error) {
			edit, err := s.t.Messages.GetThread(s.ctx, th.ID, options...)
			if err != nil {
				return nil, err
			}
			edit.Title, edit.Metadata = th.Title, th.Metadata
			if off == 0 {
				edit.Version--
			}
			switch change {
			case 0:
				edit.User = th.User
			case 1:
				edit.CreatedAt = th.CreatedAt
			}
			stored, err := s.t.Messages.UpdateThread(s.ctx, edit)
			return normalThread(stored), err
		}
	case 5:
		if !g.maybe(4) {
			break
		}
		return fmt.Sprintf("delete thread %q", th.ID), func(s *side) (any, error) { return nil, s.t.Messages.DeleteThread(s.ctx, th.ID) }
	case 6, 7:
		return fmt.Sprintf("get thread %q, deleted too: %t", th.ID, include), func(s *side) (any, error) {
			stored, err := s.t.Messages.GetThread(s.ctx, th.ID, options...)
			return normalThread(stored), err
		}
	}
	return fmt.Sprintf("list the threads of %q by %d, deleted too: %t", th.User, limit, include), func(s *side) (any, error) {
		return listed(s, limit, threadsOf(s.t, enact.ThreadQuery{User: th.User, IncludeDeleted: include}), normalThread)
	}
}

// message is one of few.
func (g *generator) message() enact.Message {
	n := g.IntN(14)
	m := enact.Message{
		ID: enact.MessageID(fmt.Sprint(pick(g, "m", "M"), n)), Thread: enact.ThreadID(g.id()), Role: pick(g, enact.RoleUser, "USER"),
		Content: pick(g, "", "x", "\x00\xff"), Metadata: g.metadata(), FinishReason: pick(g, "", "stop"), CreatedAt: g.time(),
		Execution: pick(g, enact.ExecutionID(""), "run", "Run"),
	}
	if g.maybe(4) {
		m.Parent = enact.MessageID(fmt.Sprint(pick(g, "m", "M"), g.IntN(8)))
	}
	if g.maybe(3) {
		m.Parts = []enact.Part{enact.Part(" {\"type\" : \"x\"} "), enact.Part(`{"type":"y","n":1e400}`)}[g.IntN(2):]
	}
	if g.maybe(4) {
		m.Usage, m.Cost = &enact.TokenUsage{Input: 1}, &enact.Cost{Nanos: 5, Currency: "EUR"}
	}
	return m
}

func (g *generator) creatingMessages() (string, func(*side) (any, error)) {
	m := g.message()
	return fmt.Sprint("create ", shorten(m)), func(s *side) (any, error) {
		stored, err := s.t.Messages.CreateMessage(s.ctx, m)
		return normalMessage(stored), err
	}
}

func (g *generator) changingMessages() (string, func(*side) (any, error)) {
	m := g.message()
	include, options := g.includeDeleted()
	stale, change := g.maybe(6), g.IntN(12)
	if g.maybe(6) {
		return fmt.Sprintf("delete message %q", m.ID), func(s *side) (any, error) { return nil, s.t.Messages.DeleteMessage(s.ctx, m.ID) }
	}
	return fmt.Sprintf("update to %s, stale: %t, change %d, deleted too: %t", shorten(m), stale, change, include), func(s *side) (any, error) {
		edit, err := s.t.Messages.GetMessage(s.ctx, m.ID, options...)
		if err != nil {
			return nil, err
		}
		edit.Content, edit.Parts, edit.Metadata, edit.Usage, edit.FinishReason = m.Content, m.Parts, m.Metadata, m.Usage, m.FinishReason
		if stale {
			edit.Version += 3
		}
		switch change {
		case 0:
			edit.Parent = m.Parent
		case 1:
			edit.Role = m.Role
		case 2:
			edit.Thread = m.Thread
		case 3:
			edit.CreatedAt = m.CreatedAt
		}
		stored, err := s.t.Messages.UpdateMessage(s.ctx, edit)
		return normalMessage(stored), err
	}
}

func (g *generator) readingMessages() (string, func(*side) (any, error)) {
	m := g.message()
	include, options := g.includeDeleted()
	if g.maybe(3) {
		return fmt.Sprintf("get message %q, deleted too: %t", m.ID, include), func(s *side) (any, error) {
			stored, err := s.t.Messages.GetMessage(s.ctx, m.ID, options...)
			return normalMessage(stored), err
		}
	}
	q := enact.MessageQuery{Thread: m.Thread, Backward: g.maybe(2), IncludeDeleted: include}
	if m.Execution != "" {
		q.Thread, q.Execution = "", m.Execution
	}
	limit := 1 + g.IntN(4)
	return fmt.Sprintf("list %s by %d", shorten(q), limit), func(s *side) (any, error) {
		return listed(s, limit, messagesIn(s.t, q), normalMessage)
	}
}

// collection is one of few, with the dimension that its name suggests.
func (g *generator) collection() enact.Collection {
	i := g.IntN(4)
	return enact.Collection{Name: []string{"c", "C", "c/d", "é"}[i], Dimension: 2 + i%2, Metric: []enact.Metric{enact.Cosine, enact.Dot, enact.Euclidean, enact.Cosine}[i]}
}

func (g *generator) collections() (string, func(*side) (any, error)) {
	c, limit := g.collection(), 1+g.IntN(3)
	switch n := g.IntN(12); {
	case n < 6:
		if n == 0 { // another one, if the name is free
			c.Dimension, c.Metric = 5-c.Dimension, pick(g, enact.Cosine, enact.Dot)
		}
		return fmt.Sprint("make ", shorten(c)), func(s *side) (any, error) { return nil, s.t.Vectors.EnsureCollection(s.ctx, c) }
	case n == 6 && g.maybe(3):
		return fmt.Sprintf("delete collection %q", c.Name), func(s *side) (any, error) { return nil, s.t.Vectors.DeleteCollection(s.ctx, c.Name) }
	case n < 9:
		return fmt.Sprintf("describe collection %q", c.Name), func(s *side) (any, error) { return s.t.Vectors.GetCollection(s.ctx, c.Name) }
	}
	return fmt.Sprintf("list collections by %d", limit), func(s *side) (any, error) {
		return listed(s, limit, s.t.Vectors.ListCollections, same)
	}
}

// embedding is on a coarse grid, so that many scores are equal.
func (g *generator) embedding(dimension int) []float32 {
	v := make([]float32, dimension)
	for i := range v {
		v[i] = pick[float32](g, -1, 0, 1, 2, 0.1)
	}
	if g.maybe(15) {
		v[0] = pick(g, float32(math.NaN()), math.MaxFloat32, 1e-40, 16777217)
	}
	if g.maybe(40) {
		v = v[1:]
	}
	return v
}

func (g *generator) document() string { return fmt.Sprint(pick(g, "d", "D", "é", "d "), g.IntN(12)) }

func (g *generator) upserting() (string, func(*side) (any, error)) {
	c := g.collection()
	var docs []enact.Document
	for range 1 + g.IntN(6) {
		docs = append(docs, enact.Document{ID: g.document(), Content: pick(g, "", "\x00\xff"), Metadata: g.metadata(), Embedding: g.embedding(c.Dimension)})
	}
	return fmt.Sprintf("upsert into %q %s", c.Name, shorten(docs)), func(s *side) (any, error) { return nil, s.t.Vectors.Upsert(s.ctx, c.Name, docs...) }
}

func (g *generator) deletingDocuments() (string, func(*side) (any, error)) {
	c := g.collection()
	ids := []string{g.document(), g.document(), g.document()}[:1+g.IntN(3)]
	if g.maybe(2) {
		return fmt.Sprintf("get document %q of %q", ids[0], c.Name), func(s *side) (any, error) { return s.t.Vectors.Get(s.ctx, c.Name, ids[0]) }
	}
	return fmt.Sprintf("delete documents %q of %q", ids, c.Name), func(s *side) (any, error) { return nil, s.t.Vectors.Delete(s.ctx, c.Name, ids...) }
}

func (g *generator) searching() (string, func(*side) (any, error)) {
	c := g.collection()
	q := enact.Query{
		Embedding: g.embedding(c.Dimension), Limit: 1 + g.IntN(12),
		Fields: enact.Fields{Content: g.maybe(2), Metadata: g.maybe(2), Embedding: g.maybe(2)},
	}
	if g.maybe(4) {
		least := pick(g, -1, 0, 0.5, 1, math.Inf(-1))
		q.MinScore = &least
	}
	if !g.maybe(3) {
		q.Filter = g.filter(3)
	}
	return fmt.Sprintf("search %q for %s", c.Name, shorten(q)), func(s *side) (any, error) { return s.t.Vectors.Search(s.ctx, c.Name, q) }
}

func (g *generator) filter(depth int) enact.Filter {
	key := pick(g, "k", "k", "l", "a.b", "none")
	value := pick(g, enact.Int(1), enact.Float(1), enact.Int(2), enact.Float(1.5), enact.String("a"), enact.String(""), enact.Int(9007199254740993), enact.Float(9007199254740992), enact.Int(0))
	if depth > 0 && g.maybe(2) {
		inner := []enact.Filter{g.filter(depth - 1), g.filter(depth - 1), g.filter(depth - 1)}[:g.IntN(4)]
		return pick(g, enact.And(inner...), enact.Or(inner...), enact.Not(g.filter(depth-1)))
	}
	any := pick(g, value, enact.Null(), enact.Bool(true), enact.Bool(false))
	return pick(g, enact.Filter{}, enact.Exists(key), enact.Eq(key, any), enact.Ne(key, any), enact.In(key), enact.In(key, any, value),
		enact.Lt(key, value), enact.Lte(key, value), enact.Gt(key, value), enact.Gte(key, value))
}

// upkeep compares all that there is, and sometimes closes a handle
// first, where the store outlives it.
func (g *generator) upkeep() (string, func(*side) (any, error)) {
	reopen, handle := g.maybe(2), g.IntN(2)
	return fmt.Sprintf("compare everything, reopening handle %d: %t", handle, reopen), func(s *side) (any, error) {
		if reopen && !s.alone() {
			id := s.t.ID()
			shutDown(s.T, s.handles[handle])
			s.handles[handle] = s.open()
			s.t = s.handles[handle].Tenant(id)
		}
		return s.normalContents(contentsOf(s, s.t, "u", "U")), nil
	}
}

func (s *side) normalContents(c contents) contents {
	for i, x := range c.Executions {
		c.Executions[i] = normalExecution(x)
	}
	for _, events := range c.Events {
		for i, e := range events {
			events[i] = normalEvent(e)
		}
	}
	for i, entry := range c.Keys {
		c.Keys[i].EntryInfo = s.normalInfo(entry.EntryInfo)
	}
	for i, th := range c.Threads {
		c.Threads[i] = normalThread(th)
	}
	for i, m := range c.Messages {
		c.Messages[i] = normalMessage(m)
	}
	return c
}
