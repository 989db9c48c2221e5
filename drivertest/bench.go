package drivertest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/enactdev/enact/driver"
)

// Bench measures a driver: the common operations of each role that the target
// offers, as sub-benchmarks such as events/append-100. Operations that handle
// several things at once report the rate of the things as well. Compare figures of
// one run on one machine only.
func Bench(b *testing.B, target Target) {
	b.Helper()
	for _, bench := range benchmarks {
		if target.offers(bench.role) {
			b.Run(fmt.Sprintf("%s/%s", bench.role, bench.name), func(b *testing.B) {
				c, err := target.Driver.OpenConnector(target.DSN(b))
				must(b, err)
				backend, err := c.Connect(b.Context())
				must(b, err)
				defer func() { must(b, backend.Shutdown(context.Background())) }()
				b.ReportAllocs()
				bench.run(b, backend.Tenant(tenantID))
			})
		}
	}
}

type benchmark struct {
	role driver.Role
	name string
	run  func(*testing.B, driver.Stores)
}

// Sizes are those of common use: events and values of 256 bytes, documents with
// embeddings of 384 dimensions.
const (
	benchBytes     = 256
	benchDimension = 384
	benchThings    = 1_000 // that are there to be read
)

var benchmarks = []benchmark{
	{driver.RoleEvents, "append-1", func(b *testing.B, s driver.Stores) { benchAppend(b, s.Events, 1) }},
	{driver.RoleEvents, "append-100", func(b *testing.B, s driver.Stores) { benchAppend(b, s.Events, 100) }},
	{driver.RoleEvents, "append-parallel", benchAppendParallel},
	{driver.RoleEvents, "load-1000", benchLoad},
	{driver.RoleEvents, "latest", benchLatest},
	{driver.RoleState, "set", benchSet},
	{driver.RoleState, "get", benchGet},
	{driver.RoleState, "list-100", benchList},
	{driver.RoleMessages, "create", benchCreateMessage},
	{driver.RoleMessages, "list-100", benchListMessages},
	{driver.RoleVectors, "upsert-100", benchUpsert},
	{driver.RoleVectors, "search-10-of-1000", benchSearch},
}

func must(tb testing.TB, err error) {
	if err != nil {
		tb.Helper()
		tb.Fatal(err)
	}
}

// perThing reports the rate of things, n of which each iteration handles.
func perThing(b *testing.B, n int, things string) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), things+"/s")
}

func benchEvents(serial *atomic.Int64, n int) []driver.Event {
	events := make([]driver.Event, n)
	for i := range events {
		events[i] = driver.Event{ID: driver.EventID(strconv.FormatInt(serial.Add(1), 10)), Type: "fact", Payload: make([]byte, benchBytes)}
	}
	return events
}

func benchAppend(b *testing.B, s driver.EventStore, n int) {
	var serial atomic.Int64
	for b.Loop() {
		_, err := s.Append(b.Context(), "run", driver.Expectation{}, benchEvents(&serial, n))
		must(b, err)
	}
	perThing(b, n, "events")
}

func benchAppendParallel(b *testing.B, s driver.Stores) {
	var serial, worker atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		execution := driver.ExecutionID(strconv.FormatInt(worker.Add(1), 10))
		for pb.Next() {
			if _, err := s.Events.Append(b.Context(), execution, driver.Expectation{}, benchEvents(&serial, 1)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	perThing(b, 1, "events")
}

func benchLoad(b *testing.B, s driver.Stores) {
	var serial atomic.Int64
	_, err := s.Events.Append(b.Context(), "run", driver.Expectation{}, benchEvents(&serial, benchThings))
	must(b, err)
	for b.Loop() {
		for _, err := range s.Events.Load(b.Context(), "run", 0) {
			must(b, err)
		}
	}
	perThing(b, benchThings, "events")
}

func benchLatest(b *testing.B, s driver.Stores) {
	var serial atomic.Int64
	_, err := s.Events.Append(b.Context(), "run", driver.Expectation{}, benchEvents(&serial, benchThings))
	must(b, err)
	for b.Loop() {
		_, err := s.Events.LatestSequence(b.Context(), "run")
		must(b, err)
	}
}

func benchSet(b *testing.B, s driver.Stores) {
	value := make([]byte, benchBytes)
	for i := 0; b.Loop(); i++ {
		_, err := s.State.Set(b.Context(), strconv.Itoa(i%benchThings), value, driver.SetOptions{})
		must(b, err)
	}
}

func benchKeys(b *testing.B, s driver.Stores) {
	for i := range benchThings {
		_, err := s.State.Set(b.Context(), strconv.Itoa(i), make([]byte, benchBytes), driver.SetOptions{})
		must(b, err)
	}
}

func benchGet(b *testing.B, s driver.Stores) {
	benchKeys(b, s)
	for i := 0; b.Loop(); i++ {
		_, err := s.State.Get(b.Context(), strconv.Itoa(i%benchThings))
		must(b, err)
	}
}

func benchList(b *testing.B, s driver.Stores) {
	benchKeys(b, s)
	for b.Loop() {
		_, _, err := s.State.List(b.Context(), "1", driver.Page{Limit: 100})
		must(b, err)
	}
	perThing(b, 100, "keys")
}

func benchMessage(i int) driver.Message {
	return driver.Message{ID: driver.MessageID(strconv.Itoa(i)), Thread: "thread", Role: "user", Content: make([]byte, benchBytes)}
}

func benchThread(b *testing.B, s driver.Stores, messages int) {
	_, err := s.Messages.CreateThread(b.Context(), driver.Thread{ID: "thread", User: "ann"})
	must(b, err)
	for i := range messages {
		_, err := s.Messages.CreateMessage(b.Context(), benchMessage(i))
		must(b, err)
	}
}

func benchCreateMessage(b *testing.B, s driver.Stores) {
	benchThread(b, s, 0)
	for i := 0; b.Loop(); i++ {
		_, err := s.Messages.CreateMessage(b.Context(), benchMessage(i))
		must(b, err)
	}
}

func benchListMessages(b *testing.B, s driver.Stores) {
	benchThread(b, s, benchThings)
	for b.Loop() {
		_, _, err := s.Messages.ListMessages(b.Context(), driver.MessageQuery{Thread: "thread", Backward: true, Page: driver.Page{Limit: 100}})
		must(b, err)
	}
	perThing(b, 100, "messages")
}

func benchDocuments(from, n int) []driver.Document {
	random := rand.New(rand.NewPCG(1, uint64(from)))
	docs := make([]driver.Document, n)
	for i := range docs {
		embedding := make([]float32, benchDimension)
		for j := range embedding {
			embedding[j] = float32(random.NormFloat64())
		}
		docs[i] = driver.Document{ID: strconv.Itoa(from + i), Metadata: []byte(`{"kind":"page"}`), Embedding: embedding}
	}
	return docs
}

func benchCollection(b *testing.B, s driver.Stores) {
	must(b, s.Vectors.EnsureCollection(b.Context(), driver.Collection{Name: "c", Dimension: benchDimension, Metric: driver.Cosine}))
}

func benchUpsert(b *testing.B, s driver.Stores) {
	benchCollection(b, s)
	docs := benchDocuments(0, 100)
	for i := 0; b.Loop(); i++ {
		for j := range docs {
			docs[j].ID = strconv.Itoa(i*len(docs) + j)
		}
		must(b, s.Vectors.Upsert(b.Context(), "c", docs))
	}
	perThing(b, len(docs), "documents")
}

func benchSearch(b *testing.B, s driver.Stores) {
	benchCollection(b, s)
	must(b, s.Vectors.Upsert(b.Context(), "c", benchDocuments(0, benchThings)))
	query := driver.Query{Embedding: benchDocuments(1, 1)[0].Embedding, Limit: 10}
	for b.Loop() {
		_, err := s.Vectors.Search(b.Context(), "c", query)
		must(b, err)
	}
}
