package model

import "sync"

// Contest is what is known about a key that several try to create.
type Contest struct {
	Name string

	mu      sync.Mutex
	entries map[string]*write
	lost    bool // somebody was told that the key exists
}

// NewContest is a contest that nobody has entered.
func NewContest(name string) *Contest { return &Contest{Name: name, entries: map[string]*write{}} }

// Begin notes that a value is going to be set if the key is absent.
func (c *Contest) Begin(value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[value] = &write{began: Now()}
}

// End notes what came of it. exists: the error said that the key is there.
func (c *Contest) End(value string, fate Fate, exists bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries[value].end(fate, false, false)
	c.lost = c.lost || exists
	winners := 0
	for _, w := range c.entries {
		if w.fate == Acknowledged {
			winners++
		}
	}
	if winners > 1 {
		return broken("S3", "%s was created %d times", c.Name, winners)
	}
	return nil
}

// Check judges a read.
func (c *Contest) Check(got Reading, during Span) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !got.Found {
		for value, w := range c.entries {
			if w.surely(during.From) {
				return broken("S1", "%s is missing, and %q was acknowledged", c.Name, value)
			}
		}
		return nil
	}
	winner, known := c.entries[got.Value]
	switch {
	case !known:
		return broken("S1", "%s holds %q, which nobody has set", c.Name, got.Value)
	case winner.fate == Refused:
		return broken("B9", "%s holds %q, which was refused", c.Name, got.Value)
	}
	for value, w := range c.entries {
		if w.surely(during.From) && value != got.Value {
			return broken("S3", "%s holds %q, and %q was acknowledged to be the first", c.Name, got.Value, value)
		}
	}
	return nil
}

// CheckLosers judges, when all is over, that nobody lost against nobody.
func (c *Contest) CheckLosers(got Reading) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost && !got.Found {
		return broken("S3", "%s is missing, and somebody was told that it exists", c.Name)
	}
	return nil
}
