package memory

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
)

// B1: what a DSN may look like.
func TestB1DSN(t *testing.T) {
	for dsn, name := range map[string]string{
		"memory:": "", "memory://": "", "memory:a": "a", "memory://a": "a", "MEMORY:a b": "a b", "memory:a%2Fb%3F": "a/b?", "memory:é": "é",
	} {
		c, err := memoryDriver{}.OpenConnector(dsn)
		if err != nil || c.(*connector).name != name {
			t.Errorf("DSN %q: %+v, error %v; the name should be %q", dsn, c, err, name)
		}
	}
	for _, dsn := range []string{"memory", "memory:a?size=1", "memory:a#b", "memory:%zz"} {
		if _, err := (memoryDriver{}).OpenConnector(dsn); !errors.Is(err, driver.ErrInvalid) {
			t.Errorf("DSN %q: error %v; it should be ErrInvalid", dsn, err)
		}
	}
}

func connect(t *testing.T, name string) *backend {
	t.Helper()
	b, err := NewConnector(name).Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Shutdown(context.Background()) })
	return b.(*backend)
}

// A named store lasts while somebody has it open; stores without a name are each
// their own.
func TestNamedStoresAreShared(t *testing.T) {
	ctx := t.Context()
	keys := func(b *backend) int {
		list, _, err := b.Tenant("t").State.List(ctx, "", driver.Page{Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	first, second, alone, another := connect(t, "shared"), connect(t, "shared"), connect(t, ""), connect(t, "")
	for _, b := range []*backend{first, alone} {
		if _, err := b.Tenant("t").State.Set(ctx, "k", nil, driver.SetOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if keys(second) != 1 || keys(another) != 0 {
		t.Errorf("the second handle sees %d keys, another store %d; it should be 1 and 0", keys(second), keys(another))
	}
	if err := first.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if keys(second) != 1 {
		t.Error("the store has gone while a handle was open")
	}
	if err := second.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if n := keys(connect(t, "shared")); n != 0 {
		t.Errorf("%d keys have outlived the last handle", n)
	}
}

// S2: expired data is reclaimed without anyone asking.
func TestS2ExpiredIsReclaimed(t *testing.T) {
	ctx := t.Context()
	b := connect(t, "")
	state := b.Tenant("t").State
	for key, ttl := range map[string]time.Duration{"short": 10 * time.Millisecond, "long": time.Hour, "none": 0} {
		if _, err := state.Set(ctx, key, []byte("v"), driver.SetOptions{TTL: ttl}); err != nil {
			t.Fatal(err)
		}
	}
	// Set again, it no longer expires, and what was to reclaim it must not.
	if _, err := state.Set(ctx, "again", nil, driver.SetOptions{TTL: 10 * time.Millisecond}); err != nil {
		t.Fatal(err)
	}
	if _, err := state.Set(ctx, "again", nil, driver.SetOptions{}); err != nil {
		t.Fatal(err)
	}
	for begin := time.Now(); b.store.HeldKeys() > 3; time.Sleep(time.Millisecond) {
		if time.Since(begin) > 30*time.Second {
			t.Fatalf("%d keys are held; the expired one should have been reclaimed", b.store.HeldKeys())
		}
	}
	for _, key := range []string{"long", "none", "again"} {
		if _, err := state.Get(ctx, key); err != nil {
			t.Errorf("key %q: %v; it has not expired", key, err)
		}
	}
}
