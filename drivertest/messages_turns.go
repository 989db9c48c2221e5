package drivertest

import (
	"context"
	"fmt"

	"github.com/enactdev/enact/driver"
)

// takeTurns makes t.Messages go through one of two handles, by chance, and get through
// both, so that what one handle remembers and the other has changed comes out. restart
// closes both and opens them again.
func (t *trial) takeTurns() (restart func()) {
	other := t.open()
	set := func() {
		t.Messages = messageTurns{t, [2]driver.MessageStore{t.backend.Tenant(tenantID).Messages, other.Tenant(tenantID).Messages}}
	}
	set()
	return func() {
		t.shutDown(other)
		t.reopen()
		other = t.open()
		set()
	}
}

// messageTurns is for the check's own goroutine.
type messageTurns struct {
	t      *trial
	stores [2]driver.MessageStore
}

func (s messageTurns) one() driver.MessageStore { return s.stores[s.t.rand.IntN(2)] }

// agree ends the check unless both handles have found something or none has.
func (s messageTurns) agree(did string, err, other error) bool {
	if (err == nil) != (other == nil) {
		s.t.fatal(did+" through two handles", fmt.Sprintf("error %v through one and %v through the other", err, other), "one answer")
	}
	return err == nil
}

func (s messageTurns) CreateThread(ctx context.Context, th driver.Thread) (driver.Thread, error) {
	return s.one().CreateThread(ctx, th)
}

func (s messageTurns) GetThread(ctx context.Context, id driver.ThreadID, includeDeleted bool) (driver.Thread, error) {
	th, err := s.stores[0].GetThread(ctx, id, includeDeleted)
	other, otherErr := s.stores[1].GetThread(ctx, id, includeDeleted)
	if s.agree("GetThread", err, otherErr) {
		equalThread(s.t, "what GetThread returned through another handle", other, th)
	}
	return th, err
}

func (s messageTurns) UpdateThread(ctx context.Context, th driver.Thread) (driver.Thread, error) {
	return s.one().UpdateThread(ctx, th)
}

func (s messageTurns) DeleteThread(ctx context.Context, id driver.ThreadID) error {
	return s.one().DeleteThread(ctx, id)
}

func (s messageTurns) ListThreads(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
	return s.one().ListThreads(ctx, q)
}

func (s messageTurns) CreateMessage(ctx context.Context, m driver.Message) (driver.Message, error) {
	return s.one().CreateMessage(ctx, m)
}

func (s messageTurns) GetMessage(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
	m, err := s.stores[0].GetMessage(ctx, id, includeDeleted)
	other, otherErr := s.stores[1].GetMessage(ctx, id, includeDeleted)
	if s.agree("GetMessage", err, otherErr) {
		equalMessage(s.t, "what GetMessage returned through another handle", other, m)
	}
	return m, err
}

func (s messageTurns) UpdateMessage(ctx context.Context, m driver.Message) (driver.Message, error) {
	return s.one().UpdateMessage(ctx, m)
}

func (s messageTurns) DeleteMessage(ctx context.Context, id driver.MessageID) error {
	return s.one().DeleteMessage(ctx, id)
}

func (s messageTurns) ListMessages(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
	return s.one().ListMessages(ctx, q)
}
