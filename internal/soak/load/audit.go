package load

import (
	"context"
	"fmt"
	"slices"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/model"
)

// Audit has every client write in every role, and read everything, when the workers
// and the faults of the round have ended.
func (r *Round) Audit(ctx context.Context) {
	w := r.worker(workers + 1)
	for _, c := range r.Clients {
		w.insist(ctx, c, client.Health)
		for _, t := range r.tenants {
			w.writeAll(ctx, c, t)
		}
	}
	for _, c := range r.Clients {
		for _, t := range r.tenants {
			w.auditEvents(ctx, c, t)
			w.auditState(ctx, c, t)
			w.auditMessages(ctx, c, t)
			w.auditVectors(ctx, c, t)
		}
	}
}

// writeAll writes once in each role.
func (w *worker) writeAll(ctx context.Context, c client.Client, t *tenant) {
	name := w.name()
	if t.executions != nil {
		x := w.execution(t)
		b := &model.Batch{Events: []enact.Identified{{ID: enact.EventID(name), Data: w.event(t, name)}}}
		x.Begin(b)
		outcome, _ := w.insist(ctx, c, client.Append{Tenant: t.id, Execution: enact.ExecutionID(x.Name), Events: b.Events})
		if outcome.Err == nil {
			w.Journal.Judge(x.Acknowledge(b, outcome.Value.(uint64)))
		}
	}
	if t.keys != nil {
		w.insist(ctx, c, client.Set{Tenant: t.id, Key: "alive", Value: []byte(name)})
	}
	if t.threads != nil {
		thread := w.thread(t)
		m := &model.Message{ID: enact.MessageID(name), Content: name}
		thread.Begin(m)
		outcome, _ := w.insist(ctx, c, client.CreateMessage{Tenant: t.id, Message: enact.Message{ID: m.ID, Thread: enact.ThreadID(thread.Name), Role: enact.RoleUser, Content: name}})
		if stored, ok := outcome.Value.(enact.Message); ok {
			thread.End(m, model.Acknowledged, stored.Position)
		}
	}
	if t.groups != nil {
		w.insist(ctx, c, client.EnsureCollection{Tenant: t.shelf, Collection: t.collection()})
	}
}

// audited is a read that must succeed, and judges what it says.
func audited[T any](ctx context.Context, w *worker, c client.Client, call client.Call, judge func(got T, found bool, during model.Span) error) {
	outcome, during := w.insist(ctx, c, call)
	switch {
	case ctx.Err() != nil:
	case outcome.Err == nil:
		w.Journal.Judge(judge(outcome.Value.(T), true, during))
	case outcome.Err.Is(enact.ErrNotFound):
		var none T
		w.Journal.Judge(judge(none, false, during))
	}
}

func (w *worker) auditEvents(ctx context.Context, c client.Client, t *tenant) {
	for _, x := range t.executions {
		id := enact.ExecutionID(x.Name)
		audited(ctx, w, c, client.Load{Tenant: t.id, Execution: id}, func(history []enact.StoredEvent, _ bool, during model.Span) error {
			return x.CheckHistory(0, history, during)
		})
		audited(ctx, w, c, client.Latest{Tenant: t.id, Execution: id}, func(latest uint64, _ bool, during model.Span) error {
			return x.CheckLatest(latest, during)
		})
		if t.keys == nil {
			continue
		}
		audited(ctx, w, c, client.Rehydrate{Tenant: t.id, Execution: id}, func(got client.Rehydrated, _ bool, during model.Span) error {
			return x.CheckRehydrated(got.Sequence, got.Difference, during)
		})
	}
	if t.executions != nil {
		audited(ctx, w, c, client.Executions{Tenant: t.id, Limit: 2}, func(list []enact.ExecutionInfo, _ bool, during model.Span) error {
			return model.CheckExecutions(t.executions, list, during)
		})
	}
}

func (w *worker) auditState(ctx context.Context, c client.Client, t *tenant) {
	get := func(key string, check func(model.Reading, model.Span) error) {
		audited(ctx, w, c, client.Get{Tenant: t.id, Key: key}, func(entry enact.Entry, found bool, during model.Span) error {
			return check(model.Reading{Found: found, Value: string(entry.Value), Version: entry.Version}, during)
		})
	}
	for _, r := range t.keys {
		get(r.Name, r.Check)
	}
	for _, contest := range t.contests {
		get(contest.Name, func(got model.Reading, during model.Span) error {
			if err := contest.Check(got, during); err != nil {
				return err
			}
			return contest.CheckLosers(got)
		})
	}
	for _, counter := range t.counters {
		audited(ctx, w, c, client.Get{Tenant: t.id, Key: counter.Name}, func(entry enact.Entry, _ bool, during model.Span) error {
			_, err := counter.Check(entry.Value, during)
			return err
		})
	}
}

func (w *worker) auditMessages(ctx context.Context, c client.Client, t *tenant) {
	for _, thread := range t.threads {
		for i := range 4 {
			call := client.Messages{Tenant: t.id, Thread: enact.ThreadID(thread.Name), Backward: i&1 > 0, IncludeDeleted: i&2 > 0, Limit: 1 + w.rand.IntN(100)}
			audited(ctx, w, c, call, func(list []enact.Message, _ bool, during model.Span) error {
				return thread.CheckListing(list, call.Backward, call.IncludeDeleted, during)
			})
		}
	}
	if t.threads != nil {
		audited(ctx, w, c, client.Threads{Tenant: t.id, User: user, Limit: 1}, func(list []enact.Thread, _ bool, _ model.Span) error {
			if len(list) != len(t.threads) {
				return &model.Broken{Rule: "M8", What: fmt.Sprintf("%d threads are listed, want %d", len(list), len(t.threads))}
			}
			return model.CheckThreads(t.threads, string(t.id), list)
		})
	}
}

func (w *worker) auditVectors(ctx context.Context, c client.Client, t *tenant) {
	if t.groups == nil {
		return
	}
	var all []enact.Document
	for group, r := range t.groups {
		var documents []enact.Document
		for i := range groupSize {
			audited(ctx, w, c, client.GetDocument{Tenant: t.shelf, Collection: collection, ID: documentID(group, i)}, func(got enact.Document, found bool, during model.Span) error {
				if found {
					documents = append(documents, got)
					if want := document(group, i, got.Content); !slices.Equal(got.Embedding, want.Embedding) {
						return &model.Broken{Rule: "V2", What: fmt.Sprintf("document %q has embedding %v, want %v", got.ID, got.Embedding, want.Embedding)}
					}
				}
				return r.Check(model.Reading{Found: found, Value: got.Content}, during)
			})
		}
		if ctx.Err() == nil {
			w.Journal.Judge(model.CheckWhole(r.Name, groupSize, documents))
		}
		all = append(all, documents...)
	}
	audited(ctx, w, c, client.CountDocuments{Tenant: t.shelf, Collection: collection}, func(got uint64, _ bool, _ model.Span) error {
		if got != uint64(len(all)) {
			return &model.Broken{Rule: "V7", What: fmt.Sprintf("the collection is said to have %d documents, and %d can be read", got, len(all))}
		}
		return nil
	})
	for group := -1; group < len(t.groups) && ctx.Err() == nil; group++ {
		call := client.Search{Tenant: t.shelf, Collection: collection, Embedding: w.embedding(), Limit: 1 + w.rand.IntN(workers*groupSize), Group: int64(group)}
		audited(ctx, w, c, call, func(got enact.Result, _ bool, _ model.Span) error {
			return model.CheckSearch(t.collection(), all, func(d enact.Document) bool {
				owner, _ := groupOf(d.ID)
				return group < 0 || owner == group
			}, call.Embedding, call.Limit, got)
		})
	}
}
