package redis

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestCutAtEveryRequest cuts the connection at each request of each write in turn,
// before the server gets it and in place of the answer: ErrUnavailable means that
// nothing was written, and repeating writes it exactly once (B9, E6).
func TestCutAtEveryRequest(t *testing.T) {
	t.Parallel()
	for name, parameters := range withReplicasOrNot {
		t.Run(name, func(t *testing.T) { cutAtEveryRequest(t, parameters) })
	}
}

// withReplicasOrNot are two ways to send a write: alone, and with a request to wait for
// replicas behind it.
var withReplicasOrNot = map[string]string{"alone": "", "with replicas": "&enact_replicas=1"}

func cutAtEveryRequest(t *testing.T, parameters string) {
	p, server, through, direct := throughProxy(t, "pool_size=1&enact_sweep_interval=1h"+parameters)
	testkit.Prepare(t, direct)
	testkit.EveryCall(t, through) // what a connection asks once is asked
	writes, cuts, unavailable := testkit.Writes(direct.Tenant("t")), 0, 0
	for _, write := range writes {
		for _, how := range []testkit.Fate{testkit.Withhold, testkit.Drop} {
			for at, hit := 0, true; hit && at < 50; at++ {
				hit = false
				requests := 0
				p.Treat(func([]byte) testkit.Fate {
					if requests++; requests != at+1 {
						return testkit.Forward
					}
					hit = true
					return how
				})
				id := fmt.Sprintf("%s-%d-%d", write.Name, how, at)
				before := contents(t, server)
				err := write.Do(t.Context(), through.Tenant("t"), id)
				p.Treat(nil)
				if hit {
					cuts++
				}
				if errors.Is(err, driver.ErrUnavailable) {
					unavailable++
					if after := contents(t, server); after != before {
						t.Errorf("%s, cut at request %d, is %v, but was applied: from\n%s to\n%s (B9)", write.Name, at, err, before, after)
					}
				}
				if errors.Is(err, driver.ErrConflict) || errors.Is(err, driver.ErrExists) {
					t.Errorf("%s, cut at request %d: %v; it conflicts with itself", write.Name, at, err)
				}
				if !hit && err != nil {
					t.Errorf("%s without being cut: %v", write.Name, err)
				}
				if err := write.Do(t.Context(), through.Tenant("t"), id); err != nil {
					t.Errorf("%s, repeated after it was cut at request %d: %v, want nil", write.Name, at, err)
				}
				done := meaning(t, direct)
				if err := write.Do(t.Context(), direct.Tenant("t"), id); err != nil {
					t.Errorf("%s, repeated after it was done: %v, want nil", write.Name, err)
				}
				if again := meaning(t, direct); again != done {
					t.Errorf("%s, repeated after it was done, changes\n%s to\n%s (E6)", write.Name, done, again)
				}
			}
		}
	}
	t.Logf("%d cuts, of which %d were ErrUnavailable", cuts, unavailable)
	if cuts < 2*len(writes) {
		t.Error("some writes were not cut: this test shows less than it says")
	}
}

// TestConditionalWriteWithoutAnswer: a conditional write that was done and whose
// answer was lost does not conflict with itself, and its error does not say that
// nothing was written (B9, E5, S3).
func TestConditionalWriteWithoutAnswer(t *testing.T) {
	t.Parallel()
	for name, parameters := range withReplicasOrNot {
		t.Run(name, func(t *testing.T) { conditionalWriteWithoutAnswer(t, parameters) })
	}
}

func conditionalWriteWithoutAnswer(t *testing.T, parameters string) {
	p, _, through, direct := throughProxy(t, "pool_size=2"+parameters)
	testkit.Prepare(t, direct)
	testkit.EveryCall(t, through)
	ctx, s, proxied := t.Context(), direct.Tenant("t"), through.Tenant("t")
	version := testkit.Must(s.State.Get(ctx, "key"))(t).Version
	last := testkit.Must(s.Events.LatestSequence(ctx, "execution"))(t)
	thread := testkit.Must(s.Messages.GetThread(ctx, "thread", false))(t)
	message := testkit.Must(s.Messages.GetMessage(ctx, "message", false))(t)
	appending := func(id string) error {
		got, err := proxied.Events.Append(ctx, "execution", driver.ExpectLast(last), testkit.Events(id, 2))
		if err == nil && got != last+2 {
			t.Errorf("the append returned sequence %d, want %d", got, last+2)
		}
		return err
	}
	for _, test := range []struct {
		name  string
		write func(id string) error
		done  func(id string) bool
	}{
		{"Append with an expectation", appending, func(id string) bool {
			all := testkit.History(t, direct, "execution")
			return uint64(len(all)) == last+2 && all[last].ID == testkit.Events(id, 1)[0].ID
		}},
		{"Set of a version", func(id string) error {
			_, err := proxied.State.Set(ctx, "key", []byte(id), driver.SetOptions{When: driver.IfVersion(version)})
			return err
		}, func(id string) bool { return string(testkit.Must(s.State.Get(ctx, "key"))(t).Value) == id }},
		{"Set of an absent key", func(id string) error {
			_, err := proxied.State.Set(ctx, "absent", []byte(id), driver.SetOptions{When: driver.IfAbsent()})
			return err
		}, func(id string) bool { return string(testkit.Must(s.State.Get(ctx, "absent"))(t).Value) == id }},
		{"UpdateThread", func(id string) error {
			edited := thread
			edited.Title = id
			_, err := proxied.Messages.UpdateThread(ctx, edited)
			return err
		}, func(id string) bool {
			return testkit.Must(s.Messages.GetThread(ctx, "thread", false))(t).Title == id
		}},
		{"UpdateMessage", func(id string) error {
			edited := message
			edited.Content = []byte(id)
			_, err := proxied.Messages.UpdateMessage(ctx, edited)
			return err
		}, func(id string) bool {
			return string(testkit.Must(s.Messages.GetMessage(ctx, "message", false))(t).Content) == id
		}},
	} {
		cut := false
		p.Treat(func(request []byte) testkit.Fate {
			if !cut && scripted(request) {
				cut = true
				return testkit.Withhold
			}
			return testkit.Forward
		})
		err := test.write("lost")
		p.Treat(nil)
		if !cut || !test.done("lost") {
			t.Errorf("%s was not done: this test shows nothing; it returned %v", test.name, err)
		}
		wantUnknown(t, test.name+" whose answer never came", err, "repeat the call")
	}
	if err := appending("lost"); err != nil {
		t.Errorf("the append, repeated: %v, want nil (E6)", err)
	}
}

// TestCutAtRandom cuts all connections again and again while writers repeat what
// failed: everything is there once and in order.
func TestCutAtRandom(t *testing.T) {
	t.Parallel()
	p, _, through, direct := throughProxy(t, "pool_size=6")
	writing := testkit.StartWriting(t, through)
	for begin := time.Now(); time.Since(begin) < 3*time.Second; time.Sleep(rand.N(40 * time.Millisecond)) {
		p.CutAll()
	}
	writing.GoOn()
	writing.CheckFailed()
	writing.CheckAll(direct)
}
