// Package script plays calls of all four roles on a tenant and writes down what they
// answer, so that the answers of two stores can be compared line by line. What every
// store chooses for itself is left out: times of its clock, versions of keys,
// positions of messages and the words of errors.
package script

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/enactdev/enact"
	"github.com/enactdev/enact/driver"
)

// Step is one call, or a few that belong together.
type Step struct {
	// Doing says what it does.
	Doing string
	// do returns the answer.
	do func(*Player) (string, error)
	// needs are the roles that it calls.
	needs []driver.Role
	// settles: it asks for what upserts have written.
	settles bool
	// mayRefuse: a driver may say that it does not support this.
	mayRefuse bool
}

// Of returns the steps that need no other roles than these.
func Of(roles []driver.Role, steps []Step) (those []Step) {
	for _, s := range steps {
		if !slices.ContainsFunc(s.needs, func(role driver.Role) bool { return !slices.Contains(roles, role) }) {
			those = append(those, s)
		}
	}
	return those
}

var (
	events         = []driver.Role{driver.RoleEvents}
	state          = []driver.Role{driver.RoleState}
	eventsAndState = []driver.Role{driver.RoleEvents, driver.RoleState}
	messages       = []driver.Role{driver.RoleMessages}
	vectors        = []driver.Role{driver.RoleVectors}
)

// Player plays steps on a tenant, one after another.
type Player struct {
	Context context.Context
	Tenant  *enact.Tenant
	// Eventual is how long to wait before reading vectors that were written.
	Eventual time.Duration

	unsettled bool
}

// Line is what came of a step.
type Line struct {
	Step   Step
	Answer string
	Failed string // the contract's errors that the error matches; empty: none
	Err    error
}

// String is a line as a failing test shows it.
func (l Line) String() string {
	if l.Err != nil {
		return fmt.Sprintf("%s: %s (%v)", l.Step.Doing, l.Failed, l.Err)
	}
	return fmt.Sprintf("%s: %s", l.Step.Doing, l.Answer)
}

// Play plays one step.
func (p *Player) Play(s Step) Line {
	if s.settles && p.unsettled {
		time.Sleep(p.Eventual)
		p.unsettled = false
	}
	answer, err := s.do(p)
	return Line{s, answer, kinds(err), err}
}

// Agrees reports whether a store has answered as the reference.
func (l Line) Agrees(reference Line) bool {
	if l.Step.mayRefuse && errors.Is(l.Err, enact.ErrUnsupported) {
		return true
	}
	return l.Answer == reference.Answer && l.Failed == reference.Failed
}

// kinds says which errors of the contract err matches, and what a conflict found.
func kinds(err error) string {
	if err == nil {
		return ""
	}
	var found []string
	for _, known := range []error{enact.ErrNotFound, enact.ErrConflict, enact.ErrExists, enact.ErrInvalid, enact.ErrTooLarge, enact.ErrUnsupported, enact.ErrUnavailable, enact.ErrClosed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			found = append(found, known.Error())
		}
	}
	if found == nil {
		return "none of the contract's errors: " + err.Error()
	}
	var conflict *enact.ConflictError
	if errors.As(err, &conflict) && strings.HasPrefix(conflict.Subject, "execution ") {
		found = append(found, fmt.Sprintf("event %q, last %d", conflict.Event, conflict.Actual))
	}
	return strings.Join(found, ", ")
}

func errOnly(err error) (string, error) { return "", err }

// listed walks a listing in pages of this size.
func listed[T any](p *Player, limit int, list func(context.Context, enact.Page) ([]T, enact.Cursor, error), show func(T) string) (string, error) {
	var all []string
	page := enact.Page{Limit: limit}
	for {
		items, next, err := list(p.Context, page)
		if err != nil {
			return "", err
		}
		for _, item := range items {
			all = append(all, show(item))
		}
		if next == "" {
			return strings.Join(all, "; "), nil
		}
		page.Cursor = next
	}
}
