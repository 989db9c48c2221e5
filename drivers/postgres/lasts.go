package postgres

import "sync"

// maxLasts bounds the executions whose last sequence is remembered.
const maxLasts = 4096

// lasts remembers the last sequences of executions, so that the server need not look
// for them. They are hints: others append as well, and a schema may be restored.
type lasts struct {
	mu    sync.Mutex
	known map[executionName]uint64
}

// executionName is an execution's place among those of all tenants.
type executionName struct{ tenant, id string }

func (l *lasts) of(name executionName) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[name]
}

func (l *lasts) remember(name executionName, last uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.known[name]; l.known == nil || (!known && len(l.known) >= maxLasts) {
		l.known = map[executionName]uint64{}
	}
	l.known[name] = last
}
