package load

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/memory" // the store that the liars use
	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/store"
)

const secret = "pa55word"

// liar is a client of a store that does wrong, now and then.
type liar struct {
	client.Local
	lie   func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool)
	calls atomic.Int64
}

// Call implements client.Client.
func (l *liar) Call(call client.Call, timeout time.Duration) client.Outcome {
	if l.lie != nil {
		if outcome, lied := l.lie(l, call, timeout); lied {
			return outcome
		}
	}
	return l.Local.Call(call, timeout)
}

// often is true for some of the calls.
func (l *liar) often() bool { return l.calls.Add(1)%5 == 0 }

// soaked runs rounds until something is broken or the time is up.
func soaked(t *testing.T, lie func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool), d time.Duration) error {
	t.Helper()
	config := enact.Config{Events: "memory:", State: "memory:", Messages: "memory:", Vectors: "memory:"}
	rt, err := enact.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Shutdown(context.WithoutCancel(t.Context()))
	whole, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	target := &Target{
		Roles: store.Roles(config), Secret: secret, Journal: NewJournal("liar", stop),
		Clients: []client.Client{&liar{Local: client.Local{Runtime: rt}, lie: lie}},
	}
	r := target.NewRound(whole, "round", 1)
	loading, cancel := context.WithTimeout(whole, d)
	defer cancel()
	r.Run(loading)
	if whole.Err() == nil {
		r.Audit(whole)
	}
	return context.Cause(whole)
}

func TestHonestStoreIsNotBroken(t *testing.T) {
	if err := soaked(t, nil, time.Second); err != nil {
		t.Errorf("the verdict on a store that does nothing wrong is: %v", err)
	}
}

// Each lie must be found, by one of the rules that it breaks.
func TestLiesAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		rules string
		lie   func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool)
	}{
		"an append is acknowledged and not made": {"E1 E2 E6", func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
			a, ok := call.(client.Append)
			if !ok || a.Expects || !l.often() {
				return client.Outcome{}, false
			}
			latest, _ := l.Local.Call(client.Latest{Tenant: a.Tenant, Execution: a.Execution}, time.Minute).Value.(uint64)
			return client.Outcome{Value: latest + uint64(len(a.Events))}, true
		}},
		"an append is refused and made":    {"B9 E6", refusedAndMade[client.Append]},
		"a message is refused and created": {"B9", refusedAndMade[client.CreateMessage]},
		"a key is refused and set":         {"B9 S1 S2 S3", refusedAndMade[client.Set]},
		"a set ignores its condition": {"S3 B9", func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
			s, ok := call.(client.Set)
			if !ok || !s.Conditional {
				return client.Outcome{}, false
			}
			s.Conditional = false
			time.Sleep(5 * time.Millisecond) // others come between
			return l.Local.Call(s, time.Minute), true
		}},
		"a key is set for the other tenant": {"S1 S2 B5", func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
			s, ok := call.(client.Set)
			if !ok || s.Conditional || s.TTL > 0 || !l.often() || !strings.HasPrefix(string(s.Tenant), "round") {
				return client.Outcome{}, false
			}
			s.Tenant = "round " + map[bool]enact.TenantID{true: "b", false: "a"}[strings.HasSuffix(string(s.Tenant), "a")]
			return l.Local.Call(s, time.Minute), true
		}},
		"a TTL is forgotten": {"S2", func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
			s, ok := call.(client.Set)
			s.TTL = 0
			if !ok {
				return client.Outcome{}, false
			}
			return l.Local.Call(s, timeout), true
		}},
		"a live key is swept": {"S1 S2", func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
			s, ok := call.(client.Set)
			if !ok || s.Conditional || s.TTL > 0 || !l.often() {
				return client.Outcome{}, false
			}
			s.TTL = 50 * time.Millisecond
			return l.Local.Call(s, time.Minute), true
		}},
		"a listing of keys lacks the last": {"S1 S2", func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
			return without[enact.EntryInfo, client.Keys](l, call)
		}},
		"a history lacks its last event": {"E1 E3", func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
			return without[enact.StoredEvent, client.Load](l, call)
		}},
		"a thread lacks a message": {"M3", func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
			return without[enact.Message, client.Messages](l, call)
		}},
		"a message is not deleted":  {"M3", acknowledgedAndNotMade[client.DeleteMessage]},
		"a document is not deleted": {"V2", acknowledgedAndNotMade[client.DeleteDocuments]},
		"an upsert is torn": {"V2", func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
			u, ok := call.(client.Upsert)
			if !ok {
				return client.Outcome{}, false
			}
			u.Documents = u.Documents[:1]
			return l.Local.Call(u, time.Minute), true
		}},
		"a search lacks the nearest": {"V5", func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
			if _, ok := call.(client.Search); !ok {
				return client.Outcome{}, false
			}
			outcome := l.Local.Call(call, time.Minute)
			if result, ok := outcome.Value.(enact.Result); ok && len(result.Matches) > 1 {
				result.Matches = result.Matches[1:]
				outcome.Value = result
			}
			return outcome, true
		}},
		"a state is rehydrated wrongly": {"R7", func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
			_, ok := call.(client.Rehydrate)
			return client.Outcome{Value: client.Rehydrated{Difference: "another step"}}, ok
		}},
		"an error holds the password": {"B10", failing("no connection as user:" + secret)},
		"an error has two lines":      {"B9", failing("no connection\nnone at all")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := soaked(t, c.lie, 20*time.Second)
			if err == nil {
				t.Fatal("nothing was found to be broken")
			}
			for rule := range strings.SplitSeq(c.rules, " ") {
				if strings.HasPrefix(err.Error(), "liar: "+rule+" is broken") {
					return
				}
			}
			t.Errorf("the verdict is %q, want one of %s to be broken", err, c.rules)
		})
	}
}

// unavailable is the error of a call that was certainly not applied.
func unavailable(text string) client.Outcome {
	return client.Outcome{Err: client.FailureOf(wrapped{text})}
}

type wrapped struct{ text string }

func (w wrapped) Error() string { return w.text }
func (w wrapped) Unwrap() error { return enact.ErrUnavailable }

func refusedAndMade[C client.Call](l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
	if _, ok := call.(C); !ok || !l.often() {
		return client.Outcome{}, false
	}
	l.Local.Call(call, time.Minute)
	return unavailable("unavailable"), true
}

func acknowledgedAndNotMade[C client.Call](_ *liar, call client.Call, _ time.Duration) (client.Outcome, bool) {
	_, ok := call.(C)
	return client.Outcome{}, ok
}

// without leaves the last entry of a listing out.
func without[E any, C client.Call](l *liar, call client.Call) (client.Outcome, bool) {
	if _, ok := call.(C); !ok {
		return client.Outcome{}, false
	}
	outcome := l.Local.Call(call, time.Minute)
	if list, ok := outcome.Value.([]E); ok && len(list) > 0 {
		outcome.Value = list[:len(list)-1]
	}
	return outcome, true
}

func failing(text string) func(l *liar, call client.Call, timeout time.Duration) (client.Outcome, bool) {
	return func(l *liar, call client.Call, _ time.Duration) (client.Outcome, bool) {
		_, ok := call.(client.Get)
		return unavailable(text), ok && l.often()
	}
}
