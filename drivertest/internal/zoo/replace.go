package zoo

import (
	"context"
	"iter"

	"github.com/enactdev/enact/driver"
)

// Each type here is an interface of package driver in which single methods can be
// replaced; those that are nil are the embedded value's own.

type aConnector struct {
	driver.Connector
	name              func() string
	requiresNetwork   func() bool
	supportsAirGapped func() bool
	connect           func(context.Context) (driver.Backend, error)
}

func (r *aConnector) Name() string {
	if r.name != nil {
		return r.name()
	}
	return r.Connector.Name()
}

func (r *aConnector) RequiresNetwork() bool {
	if r.requiresNetwork != nil {
		return r.requiresNetwork()
	}
	return r.Connector.RequiresNetwork()
}

func (r *aConnector) SupportsAirGapped() bool {
	if r.supportsAirGapped != nil {
		return r.supportsAirGapped()
	}
	return r.Connector.SupportsAirGapped()
}

func (r *aConnector) Connect(ctx context.Context) (driver.Backend, error) {
	if r.connect != nil {
		return r.connect(ctx)
	}
	return r.Connector.Connect(ctx)
}

type aBackend struct {
	driver.Backend
	name              func() string
	requiresNetwork   func() bool
	supportsAirGapped func() bool
	tenant            func(driver.TenantID) driver.Stores
	healthCheck       func(context.Context) error
	shutdown          func(context.Context) error
}

func (r *aBackend) Name() string {
	if r.name != nil {
		return r.name()
	}
	return r.Backend.Name()
}

func (r *aBackend) RequiresNetwork() bool {
	if r.requiresNetwork != nil {
		return r.requiresNetwork()
	}
	return r.Backend.RequiresNetwork()
}

func (r *aBackend) SupportsAirGapped() bool {
	if r.supportsAirGapped != nil {
		return r.supportsAirGapped()
	}
	return r.Backend.SupportsAirGapped()
}

func (r *aBackend) Tenant(id driver.TenantID) driver.Stores {
	if r.tenant != nil {
		return r.tenant(id)
	}
	return r.Backend.Tenant(id)
}

func (r *aBackend) HealthCheck(ctx context.Context) error {
	if r.healthCheck != nil {
		return r.healthCheck(ctx)
	}
	return r.Backend.HealthCheck(ctx)
}

func (r *aBackend) Shutdown(ctx context.Context) error {
	if r.shutdown != nil {
		return r.shutdown(ctx)
	}
	return r.Backend.Shutdown(ctx)
}

type anEventStore struct {
	driver.EventStore
	append         func(ctx context.Context, execution driver.ExecutionID, expect driver.Expectation, events []driver.Event) (last uint64, err error)
	load           func(ctx context.Context, execution driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error]
	latestSequence func(ctx context.Context, execution driver.ExecutionID) (uint64, error)
	listExecutions func(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error)
}

func (r *anEventStore) Append(ctx context.Context, execution driver.ExecutionID, expect driver.Expectation, events []driver.Event) (last uint64, err error) {
	if r.append != nil {
		return r.append(ctx, execution, expect, events)
	}
	return r.EventStore.Append(ctx, execution, expect, events)
}

func (r *anEventStore) Load(ctx context.Context, execution driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
	if r.load != nil {
		return r.load(ctx, execution, after)
	}
	return r.EventStore.Load(ctx, execution, after)
}

func (r *anEventStore) LatestSequence(ctx context.Context, execution driver.ExecutionID) (uint64, error) {
	if r.latestSequence != nil {
		return r.latestSequence(ctx, execution)
	}
	return r.EventStore.LatestSequence(ctx, execution)
}

func (r *anEventStore) ListExecutions(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
	if r.listExecutions != nil {
		return r.listExecutions(ctx, page)
	}
	return r.EventStore.ListExecutions(ctx, page)
}

type aStateStore struct {
	driver.StateStore
	get            func(ctx context.Context, key string) (driver.Entry, error)
	set            func(ctx context.Context, key string, value []byte, o driver.SetOptions) (version uint64, err error)
	delete         func(ctx context.Context, key string, when driver.Precondition) error
	list           func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error)
	saveSnapshot   func(ctx context.Context, s driver.Snapshot) error
	loadSnapshot   func(ctx context.Context, execution driver.ExecutionID) (driver.Snapshot, error)
	deleteSnapshot func(ctx context.Context, execution driver.ExecutionID) error
	listSnapshots  func(ctx context.Context, page driver.Page) ([]driver.SnapshotInfo, driver.Cursor, error)
}

func (r *aStateStore) Get(ctx context.Context, key string) (driver.Entry, error) {
	if r.get != nil {
		return r.get(ctx, key)
	}
	return r.StateStore.Get(ctx, key)
}

func (r *aStateStore) Set(ctx context.Context, key string, value []byte, o driver.SetOptions) (version uint64, err error) {
	if r.set != nil {
		return r.set(ctx, key, value, o)
	}
	return r.StateStore.Set(ctx, key, value, o)
}

func (r *aStateStore) Delete(ctx context.Context, key string, when driver.Precondition) error {
	if r.delete != nil {
		return r.delete(ctx, key, when)
	}
	return r.StateStore.Delete(ctx, key, when)
}

func (r *aStateStore) List(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
	if r.list != nil {
		return r.list(ctx, prefix, page)
	}
	return r.StateStore.List(ctx, prefix, page)
}

func (r *aStateStore) SaveSnapshot(ctx context.Context, s driver.Snapshot) error {
	if r.saveSnapshot != nil {
		return r.saveSnapshot(ctx, s)
	}
	return r.StateStore.SaveSnapshot(ctx, s)
}

func (r *aStateStore) LoadSnapshot(ctx context.Context, execution driver.ExecutionID) (driver.Snapshot, error) {
	if r.loadSnapshot != nil {
		return r.loadSnapshot(ctx, execution)
	}
	return r.StateStore.LoadSnapshot(ctx, execution)
}

func (r *aStateStore) DeleteSnapshot(ctx context.Context, execution driver.ExecutionID) error {
	if r.deleteSnapshot != nil {
		return r.deleteSnapshot(ctx, execution)
	}
	return r.StateStore.DeleteSnapshot(ctx, execution)
}

func (r *aStateStore) ListSnapshots(ctx context.Context, page driver.Page) ([]driver.SnapshotInfo, driver.Cursor, error) {
	if r.listSnapshots != nil {
		return r.listSnapshots(ctx, page)
	}
	return r.StateStore.ListSnapshots(ctx, page)
}

type aMessageStore struct {
	driver.MessageStore
	createThread  func(ctx context.Context, t driver.Thread) (driver.Thread, error)
	getThread     func(ctx context.Context, id driver.ThreadID, includeDeleted bool) (driver.Thread, error)
	updateThread  func(ctx context.Context, t driver.Thread) (driver.Thread, error)
	deleteThread  func(ctx context.Context, id driver.ThreadID) error
	listThreads   func(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error)
	createMessage func(ctx context.Context, m driver.Message) (driver.Message, error)
	getMessage    func(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error)
	updateMessage func(ctx context.Context, m driver.Message) (driver.Message, error)
	deleteMessage func(ctx context.Context, id driver.MessageID) error
	listMessages  func(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error)
}

func (r *aMessageStore) CreateThread(ctx context.Context, t driver.Thread) (driver.Thread, error) {
	if r.createThread != nil {
		return r.createThread(ctx, t)
	}
	return r.MessageStore.CreateThread(ctx, t)
}

func (r *aMessageStore) GetThread(ctx context.Context, id driver.ThreadID, includeDeleted bool) (driver.Thread, error) {
	if r.getThread != nil {
		return r.getThread(ctx, id, includeDeleted)
	}
	return r.MessageStore.GetThread(ctx, id, includeDeleted)
}

func (r *aMessageStore) UpdateThread(ctx context.Context, t driver.Thread) (driver.Thread, error) {
	if r.updateThread != nil {
		return r.updateThread(ctx, t)
	}
	return r.MessageStore.UpdateThread(ctx, t)
}

func (r *aMessageStore) DeleteThread(ctx context.Context, id driver.ThreadID) error {
	if r.deleteThread != nil {
		return r.deleteThread(ctx, id)
	}
	return r.MessageStore.DeleteThread(ctx, id)
}

func (r *aMessageStore) ListThreads(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
	if r.listThreads != nil {
		return r.listThreads(ctx, q)
	}
	return r.MessageStore.ListThreads(ctx, q)
}

func (r *aMessageStore) CreateMessage(ctx context.Context, m driver.Message) (driver.Message, error) {
	if r.createMessage != nil {
		return r.createMessage(ctx, m)
	}
	return r.MessageStore.CreateMessage(ctx, m)
}

func (r *aMessageStore) GetMessage(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
	if r.getMessage != nil {
		return r.getMessage(ctx, id, includeDeleted)
	}
	return r.MessageStore.GetMessage(ctx, id, includeDeleted)
}

func (r *aMessageStore) UpdateMessage(ctx context.Context, m driver.Message) (driver.Message, error) {
	if r.updateMessage != nil {
		return r.updateMessage(ctx, m)
	}
	return r.MessageStore.UpdateMessage(ctx, m)
}

func (r *aMessageStore) DeleteMessage(ctx context.Context, id driver.MessageID) error {
	if r.deleteMessage != nil {
		return r.deleteMessage(ctx, id)
	}
	return r.MessageStore.DeleteMessage(ctx, id)
}

func (r *aMessageStore) ListMessages(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
	if r.listMessages != nil {
		return r.listMessages(ctx, q)
	}
	return r.MessageStore.ListMessages(ctx, q)
}

type aVectorStore struct {
	driver.VectorStore
	ensureCollection func(ctx context.Context, c driver.Collection) error
	deleteCollection func(ctx context.Context, name string) error
	getCollection    func(ctx context.Context, name string) (driver.CollectionInfo, error)
	listCollections  func(ctx context.Context, page driver.Page) ([]driver.CollectionInfo, driver.Cursor, error)
	upsert           func(ctx context.Context, collection string, docs []driver.Document) error
	get              func(ctx context.Context, collection, id string) (driver.Document, error)
	delete           func(ctx context.Context, collection string, ids []string) error
	search           func(ctx context.Context, collection string, q driver.Query) (driver.Result, error)
}

func (r *aVectorStore) EnsureCollection(ctx context.Context, c driver.Collection) error {
	if r.ensureCollection != nil {
		return r.ensureCollection(ctx, c)
	}
	return r.VectorStore.EnsureCollection(ctx, c)
}

func (r *aVectorStore) DeleteCollection(ctx context.Context, name string) error {
	if r.deleteCollection != nil {
		return r.deleteCollection(ctx, name)
	}
	return r.VectorStore.DeleteCollection(ctx, name)
}

func (r *aVectorStore) GetCollection(ctx context.Context, name string) (driver.CollectionInfo, error) {
	if r.getCollection != nil {
		return r.getCollection(ctx, name)
	}
	return r.VectorStore.GetCollection(ctx, name)
}

func (r *aVectorStore) ListCollections(ctx context.Context, page driver.Page) ([]driver.CollectionInfo, driver.Cursor, error) {
	if r.listCollections != nil {
		return r.listCollections(ctx, page)
	}
	return r.VectorStore.ListCollections(ctx, page)
}

func (r *aVectorStore) Upsert(ctx context.Context, collection string, docs []driver.Document) error {
	if r.upsert != nil {
		return r.upsert(ctx, collection, docs)
	}
	return r.VectorStore.Upsert(ctx, collection, docs)
}

func (r *aVectorStore) Get(ctx context.Context, collection, id string) (driver.Document, error) {
	if r.get != nil {
		return r.get(ctx, collection, id)
	}
	return r.VectorStore.Get(ctx, collection, id)
}

func (r *aVectorStore) Delete(ctx context.Context, collection string, ids []string) error {
	if r.delete != nil {
		return r.delete(ctx, collection, ids)
	}
	return r.VectorStore.Delete(ctx, collection, ids)
}

func (r *aVectorStore) Search(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
	if r.search != nil {
		return r.search(ctx, collection, q)
	}
	return r.VectorStore.Search(ctx, collection, q)
}
