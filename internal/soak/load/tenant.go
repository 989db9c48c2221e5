package load

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/model"
)

// tenant is what is known about one tenant. All tenants use the same names, so that
// whatever gets from one to the other is noticed (B5).
type tenant struct {
	id enact.TenantID
	// shelf is the tenant in which its documents are, the same in each round: a
	// driver may keep a copy of a collection that was searched, for a time.
	shelf enact.TenantID

	executions []*model.Execution
	keys       []*model.Register // by worker, keysEach for each
	counters   []*model.Counter
	threads    []*model.Thread
	groups     []*model.Register // by worker

	mu       sync.Mutex
	contests []*model.Contest
}

const (
	executionsEach = 3
	keysEach       = 3
	countersEach   = 2
	threadsEach    = 2
	collection     = "collection"
	dimension      = 8
	user           = "user"
)

func newTenant(round, name string, offers func(driver.Role) bool) *tenant {
	t := &tenant{id: enact.TenantID(round + " " + name), shelf: enact.TenantID("documents of " + name)}
	if offers(driver.RoleEvents) {
		for i := range executionsEach {
			t.executions = append(t.executions, model.NewExecution(fmt.Sprintf("execution-%d", i)))
		}
	}
	if offers(driver.RoleState) {
		for i := range workers * keysEach {
			t.keys = append(t.keys, &model.Register{Name: fmt.Sprintf("key-%d", i), Rule: "S1"})
		}
		for i := range countersEach {
			t.counters = append(t.counters, model.NewCounter(fmt.Sprintf("counter-%d", i)))
		}
	}
	if offers(driver.RoleMessages) {
		for i := range threadsEach {
			t.threads = append(t.threads, model.NewThread(fmt.Sprintf("thread-%d", i)))
		}
	}
	if offers(driver.RoleVectors) {
		for i := range workers {
			t.groups = append(t.groups, &model.Register{Name: fmt.Sprintf("group-%d", i), Rule: "V2"})
		}
	}
	return t
}

func (t *tenant) thread(name string) enact.Thread {
	return enact.Thread{ID: enact.ThreadID(name), User: user, Title: string(t.id)}
}

func (t *tenant) collection() enact.Collection {
	return enact.Collection{Name: collection, Dimension: dimension, Metric: enact.Cosine}
}

// prepare makes the threads and the collection, without documents of an earlier round.
func (w *worker) prepare(ctx context.Context, t *tenant) {
	for _, thread := range t.threads {
		w.insist(ctx, w.anyClient(), client.CreateThread{Tenant: t.id, Thread: t.thread(thread.Name)})
	}
	if t.groups != nil {
		w.insist(ctx, w.anyClient(), client.EnsureCollection{Tenant: t.shelf, Collection: t.collection()})
		for group := range t.groups {
			w.insist(ctx, w.anyClient(), client.DeleteDocuments{Tenant: t.shelf, Collection: collection, IDs: documentIDs(group)})
		}
	}
}

// recovery is how soon a store must work again when all faults are over.
const recovery = time.Minute

// insist repeats a call, which can be repeated, until it succeeds. No fault is being
// injected, so that it must soon (B3).
func (w *worker) insist(ctx context.Context, c client.Client, call client.Call) (outcome client.Outcome, during model.Span) {
	for begin := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		during.From, during.Began = model.Now(), time.Now()
		outcome = w.call(c, call, 5*time.Second)
		during.To, during.Ended = model.Now(), time.Now()
		// What does not exist is an answer.
		if outcome.Err == nil || outcome.Err.Is(enact.ErrNotFound) || ctx.Err() != nil {
			return outcome, during
		}
		w.fate(call, outcome)
		if time.Since(begin) > recovery {
			w.Journal.Judge(&model.Broken{Rule: "B3", What: fmt.Sprintf("%T still fails %v after the last fault: %s", call, recovery, outcome.Err.Text)})
			return outcome, during
		}
	}
}
