package enact_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/memory"
	_ "github.com/enactdev/enact/drivers/sqlite"
)

// Open all four stores in one file, and use one tenant's.
func Example() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "enact")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	dsn := "sqlite:" + filepath.Join(folder, "enact.db")

	rt, err := enact.Open(ctx, enact.Config{Events: dsn, State: dsn, Messages: dsn, Vectors: dsn, AirGapped: true})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)

	acme := rt.Tenant("acme")
	last, err := acme.Events.Append(ctx, "order-17", enact.ExpectLast(0),
		enact.ExecutionStarted{},
		enact.StepStarted{Step: "charge", Name: "Charge the card"},
	)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("last sequence:", last)

	for event, err := range acme.Events.Load(ctx, "order-17", 0) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.Sequence, event.Data.EventType())
	}
	// Output:
	// last sequence: 2
	// 1 ExecutionStarted
	// 2 StepStarted
}

// Of two writers that expect the same sequence one wins; the other learns where
// the history stands, loads what it has missed and decides anew.
func ExampleEventStore_Append_conflict() {
	ctx := context.Background()
	rt, err := enact.Open(ctx, enact.Config{Events: "memory:"})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
	events := rt.Tenant("acme").Events

	_, err = events.Append(ctx, "run", enact.ExpectLast(0), enact.ExecutionStarted{})
	fmt.Println("first:", err)
	_, err = events.Append(ctx, "run", enact.ExpectLast(0), enact.ExecutionStarted{})
	if conflict, ok := errors.AsType[*enact.ConflictError](err); ok {
		fmt.Println("second: conflict, the last sequence is", conflict.Actual)
	}
	// Output:
	// first: <nil>
	// second: conflict, the last sequence is 1
}

// With IDs of its own an append whose outcome is unclear is simply repeated.
func ExampleIdentified() {
	ctx := context.Background()
	rt, err := enact.Open(ctx, enact.Config{Events: "memory:"})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
	events := rt.Tenant("acme").Events

	for range 2 {
		last, err := events.Append(ctx, "run", enact.ExpectLast(0),
			enact.Identified{ID: "started", Data: enact.ExecutionStarted{}})
		fmt.Println(last, err)
	}
	// Output:
	// 1 <nil>
	// 1 <nil>
}

// The state of an execution is its snapshot and the events after it.
func ExampleTenant_Rehydrate() {
	ctx := context.Background()
	rt, err := enact.Open(ctx, enact.Config{Events: "memory:demo", State: "memory:demo"})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
	acme := rt.Tenant("acme")

	_, err = acme.Events.Append(ctx, "run", enact.ExpectAny(),
		enact.ExecutionStarted{}, enact.StepStarted{Step: "plan"}, enact.StepCompleted{Step: "plan", Output: []byte(`{"steps":3}`)})
	if err != nil {
		log.Fatal(err)
	}
	state, err := acme.Rehydrate(ctx, "run")
	if err != nil {
		log.Fatal(err)
	}
	if err := acme.State.SaveSnapshot(ctx, state); err != nil { // cheap next time
		log.Fatal(err)
	}
	fmt.Println(state.State, state.Sequence, string(state.StepOutputs["plan"]))
	// Output: running 3 {"steps":3}
}

// A counter that several processes share: read, change, and write if nobody else
// has written in between.
func ExampleSetJSON() {
	ctx := context.Background()
	rt, err := enact.Open(ctx, enact.Config{State: "memory:"})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
	state := rt.Tenant("acme").State

	increment := func() error {
		for {
			n, version, err := enact.GetJSON[int](ctx, state, "counter")
			if err != nil && !errors.Is(err, enact.ErrNotFound) {
				return err
			}
			// Version 0 stands for a key that does not exist yet.
			_, err = enact.SetJSON(ctx, state, "counter", n+1, enact.IfVersion(version), enact.WithTTL(time.Hour))
			if !errors.Is(err, enact.ErrConflict) {
				return err
			}
		}
	}
	for range 3 {
		if err := increment(); err != nil {
			log.Fatal(err)
		}
	}
	n, _, err := enact.GetJSON[int](ctx, state, "counter")
	fmt.Println(n, err)
	// Output: 3 <nil>
}

// A conversation, read from its end.
func ExampleMessageStore_ListMessages() {
	ctx := context.Background()
	rt, err := enact.Open(ctx, enact.Config{Messages: "memory:"})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
	messages := rt.Tenant("acme").Messages

	if _, err := messages.CreateThread(ctx, enact.Thread{ID: "t1", User: "ada", Title: "Refund"}); err != nil {
		log.Fatal(err)
	}
	for i, text := range []string{"Where is my money?", "On its way.", "Thank you!"} {
		role := []enact.Role{enact.RoleUser, enact.RoleAssistant}[i%2]
		m := enact.Message{ID: enact.MessageID(fmt.Sprint("m", i)), Thread: "t1", Role: role, Content: text}
		if _, err := messages.CreateMessage(ctx, m); err != nil {
			log.Fatal(err)
		}
	}
	page, _, err := messages.ListMessages(ctx, enact.MessageQuery{Thread: "t1", Backward: true, Page: enact.Page{Limit: 2}})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range page {
		fmt.Printf("%s: %s\n", m.Role, m.Content)
	}
	// Output:
	// user: Thank you!
	// assistant: On its way.
}

// The nearest documents among those that match a filter.
func ExampleVectorStore_Search() {
	ctx := context.Background()
	rt, err := enact.Open(ctx, enact.Config{Vectors: "memory:"})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
	vectors := rt.Tenant("acme").Vectors

	if err := vectors.EnsureCollection(ctx, enact.Collection{Name: "notes", Dimension: 2, Metric: enact.Cosine}); err != nil {
		log.Fatal(err)
	}
	err = vectors.Upsert(ctx, "notes",
		enact.Document{ID: "a", Content: "north", Metadata: []byte(`{"lang":"en","year":2024}`), Embedding: []float32{0, 1}},
		enact.Document{ID: "b", Content: "Osten", Metadata: []byte(`{"lang":"de","year":2025}`), Embedding: []float32{1, 0}},
		enact.Document{ID: "c", Content: "north-east", Metadata: []byte(`{"lang":"en"}`), Embedding: []float32{1, 1}},
	)
	if err != nil {
		log.Fatal(err)
	}
	result, err := vectors.Search(ctx, "notes", enact.Query{
		Embedding: []float32{1, 0}, Limit: 2,
		Filter: enact.Or(enact.Eq("lang", enact.String("en")), enact.Gt("year", enact.Int(2030))),
		Fields: enact.Fields{Content: true},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range result.Matches {
		fmt.Printf("%.3f %s %s\n", m.Score, m.ID, m.Content)
	}
	fmt.Println("exact:", result.Exact)
	// Output:
	// 0.707 c north-east
	// 0.000 a north
	// exact: true
}

// Every execution of a tenant, a page at a time.
func ExampleAll() {
	ctx := context.Background()
	rt, err := enact.Open(ctx, enact.Config{Events: "memory:"})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
	acme := rt.Tenant("acme")
	for _, id := range []enact.ExecutionID{"b", "a"} {
		if _, err := acme.Events.Append(ctx, id, enact.ExpectAny(), enact.ExecutionStarted{}); err != nil {
			log.Fatal(err)
		}
	}
	for execution, err := range enact.All(ctx, acme.Events.ListExecutions) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(execution.ID, execution.LastSequence)
	}
	// Output:
	// a 1
	// b 1
}

// Many keys at once: each is set or refused alone, and each is found or missing alone.
func ExampleStateStore_SetMany() {
	ctx := context.Background()
	rt, err := enact.Open(ctx, enact.Config{State: "memory:"})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Shutdown(ctx)
	state := rt.Tenant("acme").State

	set, err := state.SetMany(ctx, []enact.SetItem{
		{Key: "lease/a", Value: []byte("worker 1"), Options: []enact.SetOption{enact.IfAbsent(), enact.WithTTL(time.Minute)}},
		{Key: "lease/a", Value: []byte("worker 2"), Options: []enact.SetOption{enact.IfAbsent()}},
		{Key: "plan", Value: []byte("draft")},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range set {
		fmt.Println("taken:", errors.Is(r.Err, enact.ErrExists))
	}
	got, err := state.GetMany(ctx, []string{"plan", "nothing", "lease/a"})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range got {
		fmt.Printf("%q missing: %t\n", r.Entry.Value, errors.Is(r.Err, enact.ErrNotFound))
	}
	// Output:
	// taken: false
	// taken: true
	// taken: false
	// "draft" missing: false
	// "" missing: true
	// "worker 1" missing: false
}

// The environment is read when the program asks for it, and only then. What is
// printed of a configuration holds no secret of its DSNs.
func ExampleConfigFromEnv() {
	os.Setenv("ENACT_EVENTS", "sqlite:events.db")
	os.Setenv("ENACT_AIR_GAPPED", "1")
	defer os.Unsetenv("ENACT_EVENTS")
	defer os.Unsetenv("ENACT_AIR_GAPPED")

	config, err := enact.ConfigFromEnv()
	fmt.Println(config, err)
	// Output: enact.Config{events: sqlite:[redacted], air-gapped: true} <nil>
}
