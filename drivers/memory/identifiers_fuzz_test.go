package memory

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

// FuzzIdentifier gives the reference two identifiers, as those of keys,
// snapshots, documents and tenants: what can be removed again, so that one
// store serves for all inputs. What one names is found under the other only if they are equal, what
// is listed comes back as it was given, and what is no identifier is refused (B5).
func FuzzIdentifier(f *testing.F) {
	for _, two := range [][2]string{
		{"a", "a"}, {"a", "A"}, {"a", "a "}, {"a", "ab"}, {"é", "e\u0301"}, {"a/b", "a%2Fb"}, {"1", "01"}, {"ss", "ß"}, {"%", "a"}, {"_", "a"}, {"a\x1fb", "a\x1fc"}, {"*", "[a]"}, {`\`, `\\`},
		{"", "a"}, {"a\x00", "a"}, {"\xff", "\ufffd"}, {"\xed\xa0\x80", "a"}, {strings.Repeat("a", 255), strings.Repeat("a", 256)}, {strings.Repeat("é", 128), strings.Repeat("é", 127)},
	} {
		f.Add(two[0], two[1])
		f.Add(two[1], two[0])
	}
	rt, err := enact.Open(f.Context(), enact.Config{State: "memory:", Vectors: "memory:"})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { rt.Shutdown(context.Background()) })
	acme := rt.Tenant("acme")
	if err := acme.Vectors.EnsureCollection(f.Context(), enact.Collection{Name: "c", Dimension: 1, Metric: enact.Dot}); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		checkNames(t, a, b, thing{
			"key", func(id string) error { _, err := acme.State.Set(t.Context(), id, []byte(id)); return err },
			func(id string) (string, error) {
				e, err := acme.State.Get(t.Context(), id)
				return e.Key + string(e.Value), err
			},
			func(id string) error { return acme.State.Delete(t.Context(), id) },
		})
		checkNames(t, a, b, thing{
			"snapshot", func(id string) error {
				return acme.State.SaveSnapshot(t.Context(), enact.Snapshot{Execution: enact.ExecutionID(id), User: "u", Sequence: 1})
			},
			func(id string) (string, error) {
				s, err := acme.State.LoadSnapshot(t.Context(), enact.ExecutionID(id))
				return string(s.Execution + s.Execution), err
			},
			func(id string) error { return acme.State.DeleteSnapshot(t.Context(), enact.ExecutionID(id)) },
		})
		checkNames(t, a, b, thing{
			"document", func(id string) error {
				return acme.Vectors.Upsert(t.Context(), "c", enact.Document{ID: id, Content: strings.ToValidUTF8(id, "?"), Embedding: []float32{1}})
			},
			func(id string) (string, error) {
				d, err := acme.Vectors.Get(t.Context(), "c", id)
				return d.ID + d.Content, err
			},
			func(id string) error { return acme.Vectors.Delete(t.Context(), "c", id) },
		})
		checkNames(t, a, b, thing{
			"tenant", func(id string) error {
				_, err := rt.Tenant(enact.TenantID(id)).State.Set(t.Context(), "k", []byte(id+id))
				return err
			},
			func(id string) (string, error) {
				e, err := rt.Tenant(enact.TenantID(id)).State.Get(t.Context(), "k")
				return string(e.Value), err
			},
			func(id string) error { return rt.Tenant(enact.TenantID(id)).State.Delete(t.Context(), "k") },
		})
		checkPrefix(t, acme.State, a, b)
	})
}

// thing is a kind of thing with an identifier. read returns the identifier twice: as it
// was given and as it was stored.
type thing struct {
	kind   string
	write  func(id string) error
	read   func(id string) (string, error)
	remove func(id string) error
}

func checkNames(t *testing.T, a, b string, n thing) {
	t.Helper()
	if driver.ValidateID(n.kind, a) != nil {
		_, read := n.read(a)
		for _, err := range []error{n.write(a), read, n.remove(a)} {
			if !errors.Is(err, enact.ErrInvalid) {
				t.Errorf("the %s %q: error %v; it should be ErrInvalid", n.kind, a, err)
			}
		}
		return
	}
	if err := n.write(a); err != nil {
		t.Fatalf("the %s %q: %v", n.kind, a, err)
	}
	if got, err := n.read(a); err != nil || got != a+a {
		t.Errorf("the %s %q comes back as %q, error %v", n.kind, a, got, err)
	}
	if driver.ValidateID(n.kind, b) == nil && a != b {
		if got, err := n.read(b); !errors.Is(err, enact.ErrNotFound) {
			t.Errorf("the %s %q is found as %q: %q, error %v", n.kind, a, b, got, err)
		}
		if err := n.remove(b); err != nil {
			t.Errorf("removing the %s %q, which is not there: %v", n.kind, b, err)
		}
	}
	if err := errors.Join(n.remove(a), n.remove(a)); err != nil {
		t.Fatalf("removing the %s %q twice: %v", n.kind, a, err)
	}
	if got, err := n.read(a); !errors.Is(err, enact.ErrNotFound) {
		t.Errorf("the %s %q, which was removed, is %q, error %v", n.kind, a, got, err)
	}
}

// checkPrefix: a prefix means itself, byte by byte (S5).
func checkPrefix(t *testing.T, state *enact.StateStore, key, prefix string) {
	t.Helper()
	if driver.ValidateID("key", key) != nil || driver.ValidateID("prefix", prefix) != nil {
		return
	}
	if _, err := state.Set(t.Context(), key, nil); err != nil {
		t.Fatal(err)
	}
	found, _, err := state.List(t.Context(), prefix, enact.Page{})
	if want := strings.HasPrefix(key, prefix); err != nil || (len(found) == 1 && found[0].Key == key) != want || len(found) > 1 {
		t.Errorf("the keys that begin with %q are %v, error %v; there is only %q", prefix, found, err, key)
	}
	if err := state.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
}
