package weaviate

import (
	"sync"
	"time"
)

// cache remembers collections. What it knows is only used to ask the server, which
// answers errGone when the collection was deleted since.
type cache struct {
	mu      sync.Mutex
	entries map[cacheKey]cached
}

type cacheKey struct{ shard, name string }

type cached struct {
	pinned
	until time.Time
}

// trusted is how long an entry is used: a deletion that was cut short may have left
// the documents of a collection that the registry has no more.
const trusted = 10 * time.Second

// mostCached bounds the entries.
const mostCached = 1 << 16

func (c *cache) get(key cacheKey) (pinned, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.entries[key]
	if !ok || time.Now().After(found.until) {
		return pinned{}, false
	}
	return found.pinned, true
}

func (c *cache) put(key cacheKey, p pinned) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= mostCached {
		c.entries = map[cacheKey]cached{}
	}
	c.entries[key] = cached{p, time.Now().Add(trusted)}
}

func (c *cache) drop(key cacheKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, key)
}
