package model

import (
	"slices"

	"github.com/enactdev/enact"
)

// CheckExecutions judges a listing of all executions of a tenant.
func CheckExecutions(executions []*Execution, list []enact.ExecutionInfo, during Span) error {
	latest := map[string]uint64{}
	for i, info := range list {
		if i > 0 && info.ID <= list[i-1].ID {
			return broken("E9", "execution %q is listed after %q", info.ID, list[i-1].ID)
		}
		if !slices.ContainsFunc(executions, func(x *Execution) bool { return x.Name == string(info.ID) }) {
			return broken("B5", "execution %q is listed, which nobody has made in this tenant", info.ID)
		}
		latest[string(info.ID)] = info.LastSequence
	}
	for _, x := range executions {
		if err := x.CheckLatest(latest[x.Name], during); err != nil {
			return err
		}
	}
	return nil
}

// CheckRehydrated judges what Rehydrate returned, and how it differs from the fold.
func (x *Execution) CheckRehydrated(sequence uint64, difference string, during Span) error {
	if difference != "" {
		return broken("R7", "execution %q: %s", x.Name, difference)
	}
	return x.CheckLatest(sequence, during)
}

// CheckKeys judges a listing of all keys of a tenant with a prefix, against those that
// are known to begin with it.
func CheckKeys(known map[string]*Register, list []enact.EntryInfo, during Span) error {
	listed := map[string]bool{}
	for i, info := range list {
		if i > 0 && info.Key <= list[i-1].Key {
			return broken("S5", "key %q is listed after %q", info.Key, list[i-1].Key)
		}
		if known[info.Key] == nil {
			return broken("B5", "key %q is listed, which nobody has set in this tenant", info.Key)
		}
		listed[info.Key] = true
	}
	for key, r := range known {
		if err := r.checkPresence(listed[key], during); err != nil {
			return err
		}
	}
	return nil
}

// checkPresence judges whether something is there, without its value.
func (r *Register) checkPresence(found bool, during Span) error {
	if !found {
		return r.Check(Reading{}, during)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	latest := -1
	for i, s := range r.writes {
		if s.surely(during.From) {
			latest = i
		}
	}
	for i, s := range r.writes {
		replaced := i < latest && s.fate == Acknowledged
		if !replaced && s.fate != Refused && s.began < during.To && s.explains(Reading{true, s.Value, s.version}, during) {
			return nil
		}
	}
	return broken("S2", "%s is listed, and was deleted or has expired", r.Name)
}

// CheckThreads judges a listing of all threads of a user, none of which was deleted.
func CheckThreads(threads []*Thread, title string, list []enact.Thread) error {
	listed := map[string]bool{}
	for _, t := range list {
		known := slices.ContainsFunc(threads, func(thread *Thread) bool { return thread.Name == string(t.ID) })
		if !known || t.Title != title || listed[string(t.ID)] {
			return broken("M8", "thread %q with title %q is listed, which nobody has made in this tenant, or twice", t.ID, t.Title)
		}
		listed[string(t.ID)] = true
	}
	// A thread that is updated during the listing moves to its front, unseen.
	return nil
}
