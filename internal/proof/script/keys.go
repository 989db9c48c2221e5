package script

import (
	"context"
	"fmt"
	"time"

	"github.com/enactdev/enact"
)

// Condition is what a Set or a Delete asks for.
type Condition int

// The conditions.
const (
	Always    Condition = iota
	IfAbsent            // the key is not there
	IfSame              // the key has the version that it has
	IfAnother           // the key has a version that it does not have
)

func (c Condition) options(p *Player, key string) []enact.SetOption {
	entry, _ := p.Tenant.State.Get(p.Context, key)
	switch c {
	case IfAbsent:
		return []enact.SetOption{enact.IfAbsent()}
	case IfSame:
		return []enact.SetOption{enact.IfVersion(entry.Version)}
	case IfAnother:
		return []enact.SetOption{enact.IfVersion(entry.Version + 1<<40)}
	}
	return nil
}

// Set sets a key.
func Set(key, value string, ttl time.Duration, when Condition) Step {
	return Step{needs: state, Doing: fmt.Sprintf("set %q to %q, TTL %v, condition %d", key, value, ttl, when), do: func(p *Player) (string, error) {
		version, err := p.Tenant.State.Set(p.Context, key, []byte(value), append(when.options(p, key), enact.WithTTL(ttl))...)
		return fmt.Sprintf("a version: %t", version > 0), err
	}}
}

// Get reads a key.
func Get(key string) Step {
	return Step{needs: state, Doing: fmt.Sprintf("get %q", key), do: func(p *Player) (string, error) {
		e, err := p.Tenant.State.Get(p.Context, key)
		return fmt.Sprintf("%q %q, expires: %t", e.Key, e.Value, !e.ExpiresAt.IsZero()), err
	}}
}

// Delete removes a key.
func Delete(key string, when Condition) Step {
	return Step{needs: state, Doing: fmt.Sprintf("delete %q, condition %d", key, when), do: func(p *Player) (string, error) {
		return errOnly(p.Tenant.State.Delete(p.Context, key, when.options(p, key)...))
	}}
}

// ListKeys lists the keys that begin with prefix.
func ListKeys(prefix string, limit int) Step {
	return Step{needs: state, Doing: fmt.Sprintf("list the keys that begin with %q by %d", prefix, limit), do: func(p *Player) (string, error) {
		return listed(p, limit, func(ctx context.Context, page enact.Page) ([]enact.EntryInfo, enact.Cursor, error) {
			return p.Tenant.State.List(ctx, prefix, page)
		}, func(i enact.EntryInfo) string { return fmt.Sprintf("%q %t", i.Key, i.ExpiresAt.IsZero()) })
	}}
}
