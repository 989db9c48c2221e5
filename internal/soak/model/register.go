package model

import (
	"sync"
	"time"
)

// Register is what is known about something that one writer sets and deletes, a write
// at a time, and that anyone reads: a key, or a document.
//
// A write of an unknown outcome may land late, after others that were acknowledged:
// then it is the last one that the store has done. Versions, where there are any, tell
// them apart.
type Register struct {
	Name string
	// Rule is what is broken if a value is lost.
	Rule string

	mu     sync.Mutex
	writes []*Setting
}

// Setting is a write.
type Setting struct {
	Value   string
	Deletes bool
	TTL     time.Duration // zero: none

	write
	version         uint64 // zero: there are none
	begins, endedBy time.Time
}

// Reading is what a read found.
type Reading struct {
	Found   bool
	Value   string
	Version uint64 // zero: there are none
}

// lateness is how much later than its TTL a value may be seen: stores round it up to a
// millisecond, and their clock need not move with that of the soak.
const lateness = 100 * time.Millisecond

// Begin notes that a write is going to happen.
func (r *Register) Begin(s *Setting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.began, s.begins = Now(), time.Now()
	r.writes = append(r.writes, s)
}

// End notes what came of it.
func (r *Register) End(s *Setting, fate Fate, version uint64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.end(fate, false, false)
	s.version, s.endedBy = version, time.Now()
	if fate != Acknowledged || version == 0 {
		return nil
	}
	for _, earlier := range r.writes {
		if earlier != s && earlier.version >= version {
			return broken("S3", "%s: a write got version %d, and one before it had %d", r.Name, version, earlier.version)
		}
	}
	return nil
}

// Check judges a read.
func (r *Register) Check(got Reading, during Span) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	latest, highest := -1, uint64(0)
	for i, s := range r.writes {
		if s.surely(during.From) {
			latest, highest = i, max(highest, s.version)
		}
	}
	if got.Found && got.Version < highest {
		return broken("S3", "%s is at version %d, and version %d was acknowledged before", r.Name, got.Version, highest)
	}
	if latest < 0 && !got.Found {
		return nil
	}
	for i, s := range r.writes {
		// What was acknowledged before the latest has been replaced by it.
		replaced := i < latest && s.fate == Acknowledged
		if !replaced && s.fate != Refused && s.began < during.To && s.explains(got, during) {
			return nil
		}
	}
	return r.unexplained(got, latest)
}

// explains: the read found what this write had stored.
func (s *Setting) explains(got Reading, during Span) bool {
	if !got.Found {
		return s.Deletes || s.TTL > 0 && during.Ended.Sub(s.begins) >= s.TTL
	}
	if s.Deletes || s.Value != got.Value {
		return false
	}
	if s.fate != Acknowledged {
		return true
	}
	expired := s.TTL > 0 && during.Began.Sub(s.endedBy) > s.TTL+lateness
	return !expired && s.version == got.Version
}

func (r *Register) unexplained(got Reading, latest int) error {
	for _, s := range r.writes {
		switch {
		case !got.Found || s.Value != got.Value || s.Deletes:
		case s.fate == Refused:
			return broken("B9", "%s holds %q, and that write was refused", r.Name, got.Value)
		case s.TTL > 0:
			return broken("S2", "%s holds %q at version %d, which was replaced or had expired after %v", r.Name, got.Value, got.Version, s.TTL)
		}
	}
	want := "nothing"
	if latest >= 0 && !r.writes[latest].Deletes {
		want = r.writes[latest].Value
	}
	if !got.Found {
		return broken(r.Rule, "%s is missing; %q was acknowledged last", r.Name, want)
	}
	return broken(r.Rule, "%s holds %q at version %d; %q was acknowledged last", r.Name, got.Value, got.Version, want)
}
