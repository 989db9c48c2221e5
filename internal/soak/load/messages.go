package load

import (
	"encoding/json"
	"errors"
	"strconv"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/model"
)

func (w *worker) thread(t *tenant) *model.Thread { return t.threads[w.rand.IntN(len(t.threads))] }

// createMessage creates a message, and repeats it unless it is left open.
func (w *worker) createMessage(t *tenant) {
	thread := w.thread(t)
	name := w.name()
	m := &model.Message{ID: enact.MessageID(name), Content: w.text(t, name)}
	call := client.CreateMessage{Tenant: t.id, Message: enact.Message{
		ID: m.ID, Thread: enact.ThreadID(thread.Name), Role: enact.RoleUser, Content: m.Content,
		Parts: []enact.Part{enact.Part(`{"type":"text","text":` + strconv.Quote(name) + `}`)}, Metadata: json.RawMessage(`{"by":"soak"}`),
	}}
	for {
		thread.Begin(m)
		fate, outcome := w.write(call)
		stored, _ := outcome.Value.(enact.Message)
		thread.End(m, fate, stored.Position)
		if fate == model.Acknowledged || w.rand.IntN(4) == 0 {
			return
		}
	}
}

// changeMessage edits or deletes a message that anyone has created.
func (w *worker) changeMessage(t *tenant) {
	thread := w.thread(t)
	m := thread.Known(w.rand.Int())
	if m == nil {
		return
	}
	got, during, err := read[enact.Message](w, w.anyClient(), client.GetMessage{Tenant: t.id, ID: m.ID}, w.timeout(), enact.ErrNotFound)
	if errors.Is(err, errNotRead) {
		return
	}
	w.Journal.Judge(thread.CheckMessage(m.ID, got, err == nil, during))
	if err != nil {
		return
	}
	if w.rand.IntN(4) == 0 {
		deleting := thread.BeginDelete(m)
		fate, _ := w.write(client.DeleteMessage{Tenant: t.id, ID: m.ID})
		thread.EndDelete(deleting, fate)
		return
	}
	e := &model.Edit{Version: got.Version, Content: w.text(t, w.name())}
	thread.BeginEdit(m, e)
	fate, _ := w.write(client.EditMessage{Tenant: t.id, Message: got, Content: e.Content}, enact.ErrConflict, enact.ErrNotFound)
	w.Journal.Judge(thread.EndEdit(m, e, fate))
}

// readMessages lists a thread, or all threads.
func (w *worker) readMessages(t *tenant) {
	c, timeout, limit := w.anyClient(), w.timeout(), 1+w.rand.IntN(50)
	if w.rand.IntN(4) == 0 {
		if list, _, err := read[[]enact.Thread](w, c, client.Threads{Tenant: t.id, User: user, Limit: 1}, timeout); err == nil {
			w.Journal.Judge(model.CheckThreads(t.threads, string(t.id), list))
		}
		return
	}
	thread := w.thread(t)
	call := client.Messages{Tenant: t.id, Thread: enact.ThreadID(thread.Name), Backward: w.rand.IntN(2) == 0, IncludeDeleted: w.rand.IntN(2) == 0, Limit: limit}
	if list, during, err := read[[]enact.Message](w, c, call, timeout); err == nil {
		w.Journal.Judge(thread.CheckListing(list, call.Backward, call.IncludeDeleted, during))
	}
}
