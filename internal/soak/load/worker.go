package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/model"
)

// worker makes calls, one after another, by any client.
type worker struct {
	*Round
	number int
	rand   *rand.Rand
	made   int
}

// name is a new name, the same in both tenants.
func (w *worker) name() string {
	w.made++
	return fmt.Sprintf("%d-%d", w.number, w.made)
}

// step does one thing in one tenant.
func (w *worker) step() {
	t := w.tenants[w.rand.IntN(len(w.tenants))]
	acts := []struct {
		role driver.Role
		act  func(*tenant)
	}{
		{driver.RoleEvents, w.append}, {driver.RoleEvents, w.append}, {driver.RoleEvents, w.readEvents},
		{driver.RoleState, w.set}, {driver.RoleState, w.count}, {driver.RoleState, w.contend}, {driver.RoleState, w.readState},
		{driver.RoleMessages, w.createMessage}, {driver.RoleMessages, w.changeMessage}, {driver.RoleMessages, w.readMessages},
		{driver.RoleVectors, w.upsert}, {driver.RoleVectors, w.readVectors},
	}
	for {
		if a := acts[w.rand.IntN(len(acts))]; w.offers(a.role) {
			a.act(t)
			return
		}
	}
}

// anyClient is one of the clients.
func (w *worker) anyClient() client.Client { return w.Clients[w.rand.IntN(len(w.Clients))] }

// timeout is a deadline, at times so short that it ends the call in its middle.
func (w *worker) timeout() time.Duration {
	if w.rand.IntN(10) == 0 {
		return w.upTo(30 * time.Millisecond)
	}
	return time.Second + w.upTo(3*time.Second)
}

func (w *worker) upTo(most time.Duration) time.Duration {
	return time.Duration(w.rand.Int64N(int64(most)))
}

// call makes a call and judges how it ended.
func (w *worker) call(c client.Client, call client.Call, timeout time.Duration) client.Outcome {
	name := fmt.Sprintf("%T", call)
	// A call that does not end at all must break the soak too.
	watchdog := time.AfterFunc(timeout+model.Late, func() {
		w.Journal.Judge(model.CheckEnd(name, timeout+model.Late+1, timeout))
	})
	defer watchdog.Stop()
	begin := time.Now()
	outcome := c.Call(call, timeout)
	w.Journal.Calls.Add(1)
	took := time.Since(begin)
	w.Journal.ended(took, timeout)
	w.Journal.Judge(model.CheckEnd(name, took, timeout))
	if f := outcome.Err; f != nil && !f.Unsent && !f.Lost {
		w.Journal.Judge(model.CheckFailure(f.Text, w.Secret))
	}
	return outcome
}

// write makes a write by any client and says what came of it. Errors of the kinds
// that are allowed mean that it was refused.
func (w *worker) write(call client.Call, allowed ...error) (model.Fate, client.Outcome) {
	outcome := w.call(w.anyClient(), call, w.timeout())
	return w.fate(call, outcome, allowed...), outcome
}

// fate says what an outcome means for a write (B9).
func (w *worker) fate(call client.Call, outcome client.Outcome, allowed ...error) model.Fate {
	f := outcome.Err
	switch {
	case f == nil:
		return model.Acknowledged
	case f.Lost:
		w.Journal.Lost.Add(1)
		return model.Unknown
	case f.Unsent, f.Is(enact.ErrUnavailable):
		w.Journal.Refused.Add(1)
		return model.Refused
	}
	for _, kind := range allowed {
		if f.Is(kind) {
			return model.Refused
		}
	}
	if f.Named() && !f.Is(context.DeadlineExceeded) && !f.Is(context.Canceled) {
		w.Journal.Judge(&model.Broken{Rule: "B9", What: fmt.Sprintf("%T failed with %s", call, f.Text)})
	}
	w.Journal.Open.Add(1)
	return model.Unknown
}

// errNotRead: a read came to nothing, as it may.
var errNotRead = errors.New("not read")

// read makes a read by one client. Errors of the kinds that are allowed are returned.
func read[T any](w *worker, c client.Client, call client.Call, timeout time.Duration, allowed ...error) (value T, during model.Span, err error) {
	during.From, during.Began = model.Now(), time.Now()
	outcome := w.call(c, call, timeout)
	during.To, during.Ended = model.Now(), time.Now()
	f := outcome.Err
	if f == nil {
		value, ok := outcome.Value.(T)
		if !ok {
			panic(fmt.Sprintf("%T returned a %T", call, outcome.Value))
		}
		return value, during, nil
	}
	for _, kind := range allowed {
		if f.Is(kind) {
			return value, during, kind
		}
	}
	if !f.Lost && !f.Unsent && !f.Is(enact.ErrUnavailable) && !f.Is(context.DeadlineExceeded) && !f.Is(context.Canceled) {
		w.Journal.Judge(&model.Broken{Rule: "B9", What: fmt.Sprintf("%T failed with %s", call, f.Text)})
	}
	return value, during, errNotRead
}

// text is random text of which every byte counts, marked with its tenant and name.
func (w *worker) text(t *tenant, name string) string {
	bytes := make([]byte, w.rand.IntN(300))
	for i := range bytes {
		bytes[i] = "abcdefghijklmnopqrstuvwxyz 0123456789"[w.rand.IntN(37)]
	}
	return fmt.Sprintf("%s %s %s", t.id, name, bytes)
}
