package drivertest

import (
	"fmt"
	"time"

	"github.com/enactdev/enact/driver"
)

func (g *generator) messageStep() step {
	return g.step(g.threads, g.threads, g.creatingMessages, g.creatingMessages, g.changingMessages, g.readingMessages)
}

func normalThread(t driver.Thread) driver.Thread {
	normalTimes(&t.CreatedAt, &t.UpdatedAt, &t.DeletedAt)
	t.Metadata = notNil(t.Metadata)
	return t
}

func normalMessage(m driver.Message) driver.Message {
	normalTimes(&m.CreatedAt, &m.UpdatedAt, &m.DeletedAt)
	m.Content, m.Parts, m.Details = notNil(m.Content), notNil(m.Parts), notNil(m.Details)
	m.Position = 0 // numbered as each driver likes
	return m
}

func (g *generator) threads() step {
	th := driver.Thread{ID: driver.ThreadID(g.id()), User: pick[driver.UserID](g, "u", "U"), Title: pick(g, "", "x\xff\x00", "é"), Metadata: g.bytes(), CreatedAt: g.time()}
	include, limit, change := g.maybe(2), g.limit(), g.IntN(16)
	switch g.IntN(10) {
	case 0, 1, 2:
		if g.maybe(4) { // not the caller's to say
			th.DeletedAt, th.Version = time.Date(2002, 1, 1, 0, 0, 0, 0, time.UTC), 7
		}
		return step{does: "create " + shorten(th), run: func(s *side) (any, error) {
			stored, err := s.Messages.CreateThread(s.ctx, th)
			return normalThread(stored), err
		}}
	case 3, 4:
		return step{does: fmt.Sprintf("update to %s, change %d", shorten(th), change), run: func(s *side) (any, error) {
			edit, err := s.Messages.GetThread(s.ctx, th.ID, include)
			if err != nil {
				return nil, err
			}
			edit.Title, edit.Metadata = th.Title, th.Metadata
			switch change {
			case 0:
				edit.User = th.User
			case 1:
				edit.CreatedAt = edit.CreatedAt.Add(time.Second)
			case 2:
				edit.Version--
			case 3:
				edit.Version++
			}
			stored, err := s.Messages.UpdateThread(s.ctx, edit)
			return normalThread(stored), err
		}}
	case 5:
		if !g.maybe(4) {
			break
		}
		return step{does: fmt.Sprintf("delete thread %q", th.ID), run: func(s *side) (any, error) { return nil, s.Messages.DeleteThread(s.ctx, th.ID) }}
	case 6, 7:
		return step{does: fmt.Sprintf("get thread %q, deleted too: %t", th.ID, include), run: func(s *side) (any, error) {
			stored, err := s.Messages.GetThread(s.ctx, th.ID, include)
			return normalThread(stored), err
		}}
	}
	return step{does: fmt.Sprintf("list the threads of %q by %d, deleted too: %t", th.User, limit, include), run: func(s *side) (any, error) {
		return listed(s, limit, threadsOf(s.Messages, driver.ThreadQuery{User: th.User, IncludeDeleted: include}), normalThread)
	}}
}

// message is one of few.
func (g *generator) message() driver.Message {
	m := driver.Message{
		ID: driver.MessageID(fmt.Sprint(pick(g, "m", "M"), g.IntN(14))), Thread: driver.ThreadID(g.id()), Role: pick(g, "user", "USER"),
		Content: g.bytes(), Parts: g.bytes(), Details: g.bytes(), CreatedAt: g.time(), Execution: pick[driver.ExecutionID](g, "", "run", "Run"),
	}
	if g.maybe(4) {
		m.Parent = driver.MessageID(fmt.Sprint(pick(g, "m", "M"), g.IntN(8)))
	}
	return m
}

func (g *generator) creatingMessages() step {
	m := g.message()
	if g.maybe(8) { // not the caller's to say
		m.DeletedAt, m.Version, m.Position = time.Date(2002, 1, 1, 0, 0, 0, 0, time.UTC), 7, 3
	}
	return step{does: "create " + shorten(m), run: func(s *side) (any, error) {
		stored, err := s.Messages.CreateMessage(s.ctx, m)
		return normalMessage(stored), err
	}}
}

func (g *generator) changingMessages() step {
	m, include, change := g.message(), g.maybe(2), g.IntN(20)
	if g.maybe(5) {
		return step{does: fmt.Sprintf("delete message %q", m.ID), run: func(s *side) (any, error) { return nil, s.Messages.DeleteMessage(s.ctx, m.ID) }}
	}
	return step{does: fmt.Sprintf("update to %s, change %d, deleted too: %t", shorten(m), change, include), run: func(s *side) (any, error) {
		edit, err := s.Messages.GetMessage(s.ctx, m.ID, include)
		if err != nil {
			return nil, err
		}
		edit.Content, edit.Parts, edit.Details = m.Content, m.Parts, m.Details
		switch change {
		case 0:
			edit.Parent = m.Parent
		case 1:
			edit.Role = m.Role
		case 2:
			edit.Thread = m.Thread
		case 3:
			edit.CreatedAt = edit.CreatedAt.Add(time.Second)
		case 4:
			edit.Execution = m.Execution
		case 5:
			edit.Version++
		case 6:
			edit.Version--
		case 7: // not the caller's to say
			edit.Position, edit.DeletedAt, edit.UpdatedAt = edit.Position+9, edit.CreatedAt, edit.CreatedAt
		}
		stored, err := s.Messages.UpdateMessage(s.ctx, edit)
		return normalMessage(stored), err
	}}
}

func (g *generator) readingMessages() step {
	m, include, limit := g.message(), g.maybe(2), g.limit()
	if g.maybe(3) {
		return step{does: fmt.Sprintf("get message %q, deleted too: %t", m.ID, include), run: func(s *side) (any, error) {
			stored, err := s.Messages.GetMessage(s.ctx, m.ID, include)
			return normalMessage(stored), err
		}}
	}
	q := driver.MessageQuery{Thread: m.Thread, Backward: g.maybe(2), IncludeDeleted: include}
	if m.Execution != "" {
		q.Thread, q.Execution = "", m.Execution
	}
	return step{does: fmt.Sprintf("list %s by %d", shorten(q), limit), run: func(s *side) (any, error) {
		return listed(s, limit, messagesIn(s.Messages, q), normalMessage)
	}}
}
