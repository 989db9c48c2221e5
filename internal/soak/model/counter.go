package model

import (
	"encoding/json"
	"sync"
)

// Counter is what is known about a key that many count up with conditional sets. Its
// value lists who did, so that every write of an unknown outcome can be told from it.
type Counter struct {
	Name string

	mu    sync.Mutex
	steps map[string]*write
}

// Count is the value of a counter.
type Count struct {
	N  int      `json:"n"`
	By []string `json:"by"`
}

// NewCounter is a counter that nobody has counted up.
func NewCounter(name string) *Counter { return &Counter{Name: name, steps: map[string]*write{}} }

// Next is the value after one more step.
func (c Count) Next(step string) []byte {
	next := Count{c.N + 1, append(c.By[:len(c.By):len(c.By)], step)}
	text, _ := json.Marshal(next) // a number and strings always are JSON
	return text
}

// Begin notes that a step is going to be made. No step is made twice.
func (c *Counter) Begin(step string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps[step] = &write{began: Now()}
}

// End notes what came of it; a conflict is Refused.
func (c *Counter) End(step string, fate Fate) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps[step].end(fate, false, false)
}

// Check judges a value that was read; nil: there is none.
func (c *Counter) Check(value []byte, during Span) (Count, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var count Count
	if value != nil {
		if err := json.Unmarshal(value, &count); err != nil {
			return count, broken("S1", "%s holds %q, which nobody has set", c.Name, value)
		}
	}
	if count.N != len(count.By) {
		return count, broken("S1", "%s is %d and lists %d steps", c.Name, count.N, len(count.By))
	}
	there := map[string]bool{}
	for _, step := range count.By {
		w, known := c.steps[step]
		switch {
		case !known || there[step]:
			return count, broken("S1", "%s has step %q, which nobody has made, or twice", c.Name, step)
		case w.fate == Refused:
			return count, broken("B9", "%s has step %q, which was refused", c.Name, step)
		}
		there[step] = true
	}
	for step, w := range c.steps {
		if w.surely(during.From) && !there[step] {
			return count, broken("S3", "%s is %d without the acknowledged step %q: an update was lost", c.Name, count.N, step)
		}
	}
	return count, nil
}
