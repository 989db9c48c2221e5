package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestTailAcrossAReconnect: who tails an execution sees each event once, in order,
// also those that are appended while the server is away and back.
func TestTailAcrossAReconnect(t *testing.T) {
	server := startServer(t)
	dsn := server.SocketDSN("enact_notify=on")
	var handles [2]*enact.EventStore
	for i := range handles {
		rt, err := enact.Open(t.Context(), enact.Config{Events: dsn})
		testkit.Check(t, err)
		defer rt.Shutdown(context.Background())
		handles[i] = rt.Tenant("acme").Events
	}
	const n = 60
	go func() {
		for i := range n {
			if i%20 == 10 {
				if err := errors.Join(server.Kill(), server.Start()); err != nil {
					t.Error(err)
				}
			}
			event := enact.Identified{ID: enact.EventID(fmt.Sprint(i)), Data: enact.Custom{Type: "t", Data: fmt.Append(nil, i)}}
			for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
				_, err := handles[0].Append(t.Context(), "run", enact.ExpectAny(), event)
				if err == nil {
					break
				}
				if time.Since(begin) > testkit.Patience {
					t.Errorf("append %d: %v", i, err)
					return
				}
			}
		}
	}()
	var got, want []string
	ctx, cancel := context.WithTimeout(t.Context(), 4*testkit.Patience)
	defer cancel()
	for event, err := range handles[1].Tail(ctx, "run", 0) {
		testkit.Check(t, err)
		want = append(want, fmt.Sprint(len(got)))
		if got = append(got, string(event.Payload)); event.Sequence == n {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("Tail yields %v; it should have been %v", got, want)
	}
}

// TestNewsWakeWhoWaits: an append is told at once to who waits on another handle,
// before the backstop looks.
func TestNewsWakeWhoWaits(t *testing.T) {
	schema := newSchema()
	writer := open(t, serverOf(t).SocketDSN(schema, "enact_notify=on"))
	pool := newPool(t, serverOf(t).SocketDSN(), nil)
	_, name, _ := strings.Cut(schema, "=")
	reader := testkit.Must(connectTo(t.Context(), NewConnector(pool, Schema(name), Notify())))(t)
	defer shutdown(t, reader)
	watcher := reader.Tenant("acme").Events.(driver.EventWatcher)
	woken := 0
	for i := range 20 {
		id := driver.ExecutionID(fmt.Sprint("run ", i))
		told := make(chan error, 1)
		begin := time.Now()
		go func() { told <- watcher.AwaitEvents(t.Context(), id, 0) }()
		time.Sleep(20 * time.Millisecond) // so that it waits
		_, err := writer.Tenant("acme").Events.Append(t.Context(), id, driver.ExpectLast(0), []driver.Event{{ID: "e", Type: "t"}})
		testkit.Check(t, err)
		testkit.Check(t, <-told)
		if time.Since(begin) < backstop*9/10 {
			woken++
		}
	}
	if woken == 0 {
		t.Error("in 20 tries nobody was woken before the backstop; notifications don't arrive")
	}
	if _, watches := open(t, newDSN(t)).Tenant("acme").Events.(driver.EventWatcher); watches {
		t.Error("a store without enact_notify says that it can watch, and would wait for news that nobody sends")
	}
}
