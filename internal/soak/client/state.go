package client

import (
	"context"
	"time"

	"github.com/enactdev/enact"
)

// Get returns an enact.Entry.
type Get struct {
	Tenant enact.TenantID
	Key    string
}

// Do implements Call.
func (c Get) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return rt.Tenant(c.Tenant).State.Get(ctx, c.Key)
}

// Set sets a key and returns its version.
type Set struct {
	Tenant      enact.TenantID
	Key         string
	Value       []byte
	TTL         time.Duration
	Version     uint64 // 0: the key must be absent
	Conditional bool
}

// Do implements Call.
func (c Set) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	options := []enact.SetOption{enact.WithTTL(c.TTL)}
	switch {
	case c.Conditional && c.Version == 0:
		options = append(options, enact.IfAbsent())
	case c.Conditional:
		options = append(options, enact.IfVersion(c.Version))
	}
	return rt.Tenant(c.Tenant).State.Set(ctx, c.Key, c.Value, options...)
}

// Delete deletes a key.
type Delete struct {
	Tenant enact.TenantID
	Key    string
}

// Do implements Call.
func (c Delete) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return nil, rt.Tenant(c.Tenant).State.Delete(ctx, c.Key)
}

// Keys lists all keys with a prefix.
type Keys struct {
	Tenant enact.TenantID
	Prefix string
	Limit  int
}

// Do implements Call.
func (c Keys) Do(ctx context.Context, rt *enact.Runtime) (any, error) {
	return pages(c.Limit, func(p enact.Page) ([]enact.EntryInfo, enact.Cursor, error) {
		return rt.Tenant(c.Tenant).State.List(ctx, c.Prefix, p)
	})
}
