package load

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/model"
)

func (w *worker) execution(t *tenant) *model.Execution {
	return t.executions[w.rand.IntN(len(t.executions))]
}

// append appends a batch, and repeats it unless it is left open.
func (w *worker) append(t *tenant) {
	x := w.execution(t)
	name := w.name()
	b := &model.Batch{}
	for i := range 1 + w.rand.IntN(4) {
		id := fmt.Sprintf("%s-%d", name, i)
		b.Events = append(b.Events, enact.Identified{ID: enact.EventID(id), Data: w.event(t, id)})
	}
	if w.rand.IntN(2) == 0 {
		b.Expect, b.Expects = x.Last(), true
	}
	w.appendBatch(t, x, b)
}

// appendBatch appends a batch until it is acknowledged or out of the question, or by
// chance less often than that.
func (w *worker) appendBatch(t *tenant, x *model.Execution, b *model.Batch) {
	call := client.Append{Tenant: t.id, Execution: enact.ExecutionID(x.Name), Expect: b.Expect, Expects: b.Expects, Events: b.Events}
	for {
		x.Begin(b)
		outcome := w.call(w.anyClient(), call, w.timeout())
		if f := outcome.Err; f.Is(enact.ErrConflict) {
			w.Journal.Judge(x.Conflict(b, f.Actual, f.Event))
			return
		}
		fate := w.fate(call, outcome)
		if fate == model.Acknowledged {
			w.Journal.Judge(x.Acknowledge(b, outcome.Value.(uint64)))
			if w.rand.IntN(20) > 0 {
				return
			}
			continue // again, though it is there (E6)
		}
		x.Fail(b, fate)
		if w.rand.IntN(4) == 0 {
			return
		}
	}
}

// event is one of the kinds that a state is folded from, or any bytes.
func (w *worker) event(t *tenant, id string) enact.EventData {
	text := w.text(t, id)
	step := "step-" + strconv.Itoa(w.rand.IntN(5))
	switch w.rand.IntN(6) {
	case 0:
		return enact.ExecutionStarted{Metadata: map[string]json.RawMessage{"by": json.RawMessage(strconv.Quote(text))}}
	case 1:
		return enact.StepStarted{Step: step, Name: text}
	case 2:
		return enact.StepCompleted{Step: step, Output: json.RawMessage(strconv.Quote(text))}
	case 3:
		return enact.StepFailed{Step: step, Error: text}
	}
	data := []byte(text)
	for range w.rand.IntN(8) {
		data = append(data, byte(w.rand.IntN(256)))
	}
	return enact.Custom{Type: "custom", Data: data}
}

// readEvents reads an execution in one of the ways.
func (w *worker) readEvents(t *tenant) {
	x, c, timeout := w.execution(t), w.anyClient(), w.timeout()
	id := enact.ExecutionID(x.Name)
	switch w.rand.IntN(5) {
	case 0:
		after := uint64(0)
		if last := x.Last(); last > 0 && w.rand.IntN(2) == 0 {
			after = w.rand.Uint64N(last)
		}
		if history, during, err := read[[]enact.StoredEvent](w, c, client.Load{Tenant: t.id, Execution: id, After: after}, timeout); err == nil {
			w.Journal.Judge(x.CheckHistory(after, history, during))
		}
	case 1:
		if latest, during, err := read[uint64](w, c, client.Latest{Tenant: t.id, Execution: id}, timeout); err == nil {
			w.Journal.Judge(x.CheckLatest(latest, during))
		}
	case 2:
		if list, during, err := read[[]enact.ExecutionInfo](w, c, client.Executions{Tenant: t.id, Limit: 1 + w.rand.IntN(3)}, timeout); err == nil {
			w.Journal.Judge(model.CheckExecutions(t.executions, list, during))
		}
	case 3:
		if got, during, err := read[client.Rehydrated](w, c, client.Rehydrate{Tenant: t.id, Execution: id}, timeout); err == nil {
			w.Journal.Judge(x.CheckRehydrated(got.Sequence, got.Difference, during))
		}
	case 4:
		call := client.Rehydrate{Tenant: t.id, Execution: id, Save: true}
		w.fate(call, w.call(c, call, timeout)) // a snapshot is no more than a cache
	}
}
