package zoo

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/enactdev/enact/driver"
)

// as gives every tenant the stores of the tenant that rename makes of it.
func as(rename func(driver.TenantID) driver.TenantID) func(driver.Stores, driver.Backend, *Place) driver.Stores {
	return func(_ driver.Stores, b driver.Backend, at *Place) driver.Stores { return b.Tenant(rename(at.Tenant)) }
}

// tenantsSeen lists the tenants for whom a view was made.
type tenantsSeen struct {
	mu  sync.Mutex
	ids []driver.TenantID
}

func (s *tenantsSeen) add(id driver.TenantID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.ids, id) {
		s.ids = append(s.ids, id)
	}
}

func (s *tenantsSeen) all() []driver.TenantID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ids)
}

// amongAll remembers the tenant and returns all those seen on the store.
func amongAll(at *Place) *tenantsSeen {
	seen := Remember[tenantsSeen](at.Store, "tenants")
	seen.add(at.Tenant)
	return seen
}

var leakyTenants = []*Broken{
	{
		Name: "tenants-case-folded", Rule: "B5", Fault: "tenants that differ in case share their data",
		Stores: as(func(id driver.TenantID) driver.TenantID { return driver.TenantID(strings.ToLower(string(id))) }),
	},
	{
		Name: "tenants-trimmed", Rule: "B5", Fault: "a space at the end of a tenant's name is cut off",
		Stores: as(func(id driver.TenantID) driver.TenantID { return driver.TenantID(strings.TrimRight(string(id), " ")) }),
	},
	{
		Name: "tenants-cut", Rule: "B5", Fault: "tenants are told apart by their first 254 bytes",
		Stores: as(func(id driver.TenantID) driver.TenantID { return id[:min(len(id), 254)] }),
	},
	{
		Name: "tenants-normalised", Rule: "B5", Fault: "tenants are brought into Unicode's composed form",
		Stores: as(func(id driver.TenantID) driver.TenantID {
			return driver.TenantID(strings.ReplaceAll(string(id), "e\u0301", "é"))
		}),
	},
	{
		Name: "tenant-and-key-joined", Rule: "B5", Fault: "tenant and key are joined with a slash, which either may contain",
		Stores: func(s driver.Stores, b driver.Backend, at *Place) driver.Stores {
			all, prefix := b.Tenant("everyone").State, string(at.Tenant)+"/"
			own := s.State
			s.State = &aStateStore{
				StateStore: own,
				get: func(ctx context.Context, key string) (driver.Entry, error) {
					e, err := all.Get(ctx, prefix+key)
					e.Key = key
					return e, err
				},
				set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
					if _, err := own.Set(ctx, key, value, driver.SetOptions{TTL: o.TTL}); err != nil {
						return 0, err
					}
					return all.Set(ctx, prefix+key, value, o)
				},
				delete: func(ctx context.Context, key string, when driver.Precondition) error {
					if err := all.Delete(ctx, prefix+key, when); err != nil {
						return err
					}
					return own.Delete(ctx, key, driver.Precondition{})
				},
				list: func(ctx context.Context, listed string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
					list, next, err := own.List(ctx, listed, page)
					for i := range list {
						e, err := all.Get(ctx, prefix+list[i].Key)
						if err != nil {
							return nil, "", err
						}
						list[i].Version = e.Version
					}
					return list, next, err
				},
			}
			return s
		},
	},
	{
		Name: "messages-by-execution-of-everyone", Rule: "B5", Fault: "messages are listed by execution without asking for the tenant",
		Stores: func(s driver.Stores, b driver.Backend, at *Place) driver.Stores {
			seen, own := amongAll(at), s.Messages
			s.Messages = &aMessageStore{MessageStore: own, listMessages: func(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
				list, next, err := own.ListMessages(ctx, q)
				if err != nil || q.Execution == "" || len(list) > 0 {
					return list, next, err
				}
				for _, tenant := range seen.all() {
					if list, next, err := b.Tenant(tenant).Messages.ListMessages(ctx, q); err == nil && len(list) > 0 {
						return list, next, nil
					}
				}
				return list, next, err
			}}
			return s
		},
	},
	{
		Name: "messages-got-from-everyone", Rule: "B5", Fault: "a message is looked up by its ID alone",
		Stores: func(s driver.Stores, b driver.Backend, at *Place) driver.Stores {
			seen, own := amongAll(at), s.Messages
			s.Messages = &aMessageStore{MessageStore: own, getMessage: func(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
				m, err := own.GetMessage(ctx, id, includeDeleted)
				for _, tenant := range seen.all() {
					if !errors.Is(err, driver.ErrNotFound) {
						break
					}
					m, err = b.Tenant(tenant).Messages.GetMessage(ctx, id, includeDeleted)
				}
				return m, err
			}}
			return s
		},
	},
	{
		Name: "collections-dropped-for-everyone", Rule: "B5", Fault: "deleting a collection deletes those of the same name of every tenant",
		Stores: func(s driver.Stores, b driver.Backend, at *Place) driver.Stores {
			seen := amongAll(at)
			s.Vectors = &aVectorStore{VectorStore: s.Vectors, deleteCollection: func(ctx context.Context, name string) error {
				for _, tenant := range seen.all() {
					if err := b.Tenant(tenant).Vectors.DeleteCollection(ctx, name); err != nil {
						return err
					}
				}
				return nil
			}}
			return s
		},
	},
	{
		Name: "last-sequence-of-everyone", Rule: "B5", Fault: "the last sequence is counted by execution, not by tenant and execution",
		Stores: func(s driver.Stores, b driver.Backend, at *Place) driver.Stores {
			seen := amongAll(at)
			s.Events = &anEventStore{EventStore: s.Events, latestSequence: func(ctx context.Context, id driver.ExecutionID) (uint64, error) {
				var highest uint64
				for _, tenant := range seen.all() {
					last, err := b.Tenant(tenant).Events.LatestSequence(ctx, id)
					if err != nil {
						return 0, err
					}
					highest = max(highest, last)
				}
				return highest, nil
			}}
			return s
		},
	},
	{
		Name: "tenant-of-the-last-view", Rule: "B5", Fault: "the tenant is a setting of the connection, which goroutines share",
		Stores: func(s driver.Stores, b driver.Backend, at *Place) driver.Stores {
			current := Remember[atomic.Value](at.Handle, "tenant")
			current.Store(at.Tenant)
			state := func() driver.StateStore { return b.Tenant(current.Load().(driver.TenantID)).State }
			s.State = &aStateStore{
				StateStore: s.State,
				get:        func(ctx context.Context, key string) (driver.Entry, error) { return state().Get(ctx, key) },
				set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (uint64, error) {
					return state().Set(ctx, key, value, o)
				},
			}
			return s
		},
	},
}
