package redis

import (
	"context"
	"slices"
	"sync"
)

// unsettled are writes whose callers have gone. What follows for the same tenant on
// the same handle waits for them, so that none of them lands later.
type unsettled struct {
	mu      sync.Mutex
	tenants map[string][]<-chan struct{}
}

// add has the tenant's calls wait until ended is closed.
func (u *unsettled) add(tenant string, ended <-chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	select {
	case <-ended:
		return
	default:
	}
	if u.tenants == nil {
		u.tenants = map[string][]<-chan struct{}{}
	}
	u.tenants[tenant] = append(u.tenants[tenant], ended)
}

// settle closes ended.
func (u *unsettled) settle(tenant string, ended chan struct{}) {
	u.mu.Lock()
	defer u.mu.Unlock()
	close(ended)
	still := slices.DeleteFunc(u.tenants[tenant], func(request <-chan struct{}) bool { return request == ended })
	if len(still) > 0 {
		u.tenants[tenant] = still
	} else {
		delete(u.tenants, tenant)
	}
}

// await waits for what was left of a tenant.
func (u *unsettled) await(ctx, ended context.Context, tenant string) error {
	u.mu.Lock()
	left := slices.Clone(u.tenants[tenant])
	u.mu.Unlock()
	for _, request := range left {
		select {
		case <-request:
		case <-ctx.Done():
			return ctx.Err()
		case <-ended.Done():
			return errEnded
		}
	}
	return nil
}
