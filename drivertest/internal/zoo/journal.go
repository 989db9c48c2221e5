package zoo

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/gob"
	"fmt"
	"io"
	"iter"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/reference"
)

// journal makes the reference durable: every change that succeeds is a record in
// a file. Each handle has its own copy of the data and reads the records of the
// others, of this process or another, before it does anything. A lock on the file
// makes one operation of all handles one.
type journal struct {
	path string

	mu     sync.Mutex
	file   *os.File
	offset int64 // up to where records are in store

	clock  atomic.Pointer[time.Time] // the time that a record is of
	store  *reference.Store
	gate   *driver.Gate // of the handle
	replay driver.Gate
}

// record is a change, without what it was conditional on.
type record struct {
	At         time.Time
	Tenant     driver.TenantID
	Op         string
	Execution  driver.ExecutionID
	Events     []driver.Event
	Key        string
	Value      []byte
	TTL        time.Duration
	Snapshot   driver.Snapshot
	Thread     driver.Thread
	Message    driver.Message
	Collection driver.Collection
	Documents  []driver.Document
	IDs        []string
}

func openJournal(ctx context.Context, path string, gate *driver.Gate) (*journal, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", driver.ErrUnavailable, err)
	}
	j := &journal{path: path, file: file, gate: gate}
	j.store = reference.NewStore(func() time.Time {
		if at := j.clock.Load(); at != nil {
			return *at
		}
		return time.Now()
	})
	if err := j.read(ctx); err != nil {
		file.Close()
		return nil, err
	}
	return j, nil
}

func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.store.Stop()
	j.file.Close()
}

// locked runs f with the file locked and every record in store.
func (j *journal) locked(ctx context.Context, shared bool, f func() error) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		held, err := tryLock(j.file, shared)
		if err != nil {
			return err
		}
		if held {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-j.gate.Aborted():
			return driver.ErrClosed
		case <-time.After(50 * time.Microsecond):
		}
	}
	defer unlock(j.file)
	if _, err := os.Stat(j.path); err != nil {
		return fmt.Errorf("%w: the journal has gone", driver.ErrUnavailable)
	}
	if err := j.catchUp(); err != nil {
		return err
	}
	return f()
}

// read brings the store up to date.
func (j *journal) read(ctx context.Context) error {
	return j.locked(ctx, true, func() error { return nil })
}

// write makes a change and keeps it.
func (j *journal) write(ctx context.Context, r record, change func() error) error {
	return j.locked(ctx, false, func() error {
		r.At = time.Now()
		j.clock.Store(&r.At)
		defer j.clock.Store(nil)
		if err := change(); err != nil {
			return err
		}
		frame := encode(r)
		if _, err := j.file.WriteAt(frame, j.offset); err != nil {
			panic(err) // it is in store and not in the file
		}
		j.offset += int64(len(frame))
		return nil
	})
}

// encode returns a record and its length before it.
func encode(r record) []byte {
	var body bytes.Buffer
	if err := gob.NewEncoder(&body).Encode(r); err != nil {
		panic(err)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(body.Len())), body.Bytes()...)
}

// catchUp reads the whole records behind offset. What a killed writer left half
// written is overwritten by the next one.
func (j *journal) catchUp() error {
	info, err := j.file.Stat()
	if err != nil || info.Size() == j.offset {
		return err
	}
	tail, err := io.ReadAll(io.NewSectionReader(j.file, j.offset, info.Size()-j.offset))
	if err != nil {
		return err
	}
	defer j.clock.Store(nil)
	for len(tail) >= 4 {
		n := int(binary.BigEndian.Uint32(tail))
		if len(tail) < 4+n {
			break
		}
		var r record
		if err := gob.NewDecoder(bytes.NewReader(tail[4 : 4+n])).Decode(&r); err != nil {
			return err
		}
		j.clock.Store(&r.At)
		if err := r.apply(j.store.Tenant(r.Tenant, &j.replay)); err != nil {
			return err
		}
		tail = tail[4+n:]
		j.offset += int64(4 + n)
	}
	return nil
}

// apply makes the change again.
func (r record) apply(s driver.Stores) (err error) {
	ctx := context.Background()
	switch r.Op {
	case "append":
		_, err = s.Events.Append(ctx, r.Execution, driver.Expectation{}, r.Events)
	case "set":
		_, err = s.State.Set(ctx, r.Key, r.Value, driver.SetOptions{TTL: r.TTL})
	case "delete":
		err = s.State.Delete(ctx, r.Key, driver.Precondition{})
	case "save":
		err = s.State.SaveSnapshot(ctx, r.Snapshot)
	case "forget":
		err = s.State.DeleteSnapshot(ctx, r.Execution)
	case "create thread":
		_, err = s.Messages.CreateThread(ctx, r.Thread)
	case "update thread":
		_, err = s.Messages.UpdateThread(ctx, r.Thread)
	case "delete thread":
		err = s.Messages.DeleteThread(ctx, r.Thread.ID)
	case "create message":
		_, err = s.Messages.CreateMessage(ctx, r.Message)
	case "update message":
		_, err = s.Messages.UpdateMessage(ctx, r.Message)
	case "delete message":
		err = s.Messages.DeleteMessage(ctx, r.Message.ID)
	case "ensure":
		err = s.Vectors.EnsureCollection(ctx, r.Collection)
	case "drop":
		err = s.Vectors.DeleteCollection(ctx, r.Collection.Name)
	case "upsert":
		err = s.Vectors.Upsert(ctx, r.Collection.Name, r.Documents)
	case "remove":
		err = s.Vectors.Delete(ctx, r.Collection.Name, r.IDs)
	default:
		err = fmt.Errorf("the journal has a record of unknown kind %q", r.Op)
	}
	return err
}

// tenant is the durable view of a tenant, for a handle whose calls gate counts.
func (j *journal) tenant(id driver.TenantID, gate *driver.Gate) driver.Stores {
	s := j.store.Tenant(id, gate)
	write := func(ctx context.Context, r record, change func() error) error {
		if err := gate.Enter(ctx); err != nil {
			return err
		}
		defer gate.Leave()
		r.Tenant = id
		return j.write(ctx, r, change)
	}
	read := func(ctx context.Context) error {
		if err := gate.Enter(ctx); err != nil {
			return err
		}
		defer gate.Leave()
		return j.read(ctx)
	}
	return driver.Stores{
		Events: durableEvents(s.Events, read, write), State: durableState(s.State, read, write),
		Messages: durableMessages(s.Messages, read, write), Vectors: durableVectors(s.Vectors, read, write),
	}
}

type reading func(context.Context) error
type writing func(context.Context, record, func() error) error

func durableEvents(s driver.EventStore, read reading, write writing) driver.EventStore {
	return &anEventStore{
		EventStore: s,
		append: func(ctx context.Context, execution driver.ExecutionID, expect driver.Expectation, events []driver.Event) (last uint64, err error) {
			err = write(ctx, record{Op: "append", Execution: execution, Events: events}, func() error {
				last, err = s.Append(ctx, execution, expect, events)
				return err
			})
			return last, err
		},
		load: func(ctx context.Context, execution driver.ExecutionID, after uint64) iter.Seq2[driver.StoredEvent, error] {
			return func(yield func(driver.StoredEvent, error) bool) {
				if err := read(ctx); err != nil {
					yield(driver.StoredEvent{}, err)
					return
				}
				s.Load(ctx, execution, after)(yield)
			}
		},
		latestSequence: func(ctx context.Context, execution driver.ExecutionID) (uint64, error) {
			return afterReading(ctx, read, func() (uint64, error) { return s.LatestSequence(ctx, execution) })
		},
		listExecutions: func(ctx context.Context, page driver.Page) ([]driver.ExecutionInfo, driver.Cursor, error) {
			if err := read(ctx); err != nil {
				return nil, "", err
			}
			return s.ListExecutions(ctx, page)
		},
	}
}

func afterReading[T any](ctx context.Context, read reading, f func() (T, error)) (T, error) {
	if err := read(ctx); err != nil {
		var none T
		return none, err
	}
	return f()
}

func durableState(s driver.StateStore, read reading, write writing) driver.StateStore {
	return &aStateStore{
		StateStore: s,
		get: func(ctx context.Context, key string) (driver.Entry, error) {
			return afterReading(ctx, read, func() (driver.Entry, error) { return s.Get(ctx, key) })
		},
		set: func(ctx context.Context, key string, value []byte, o driver.SetOptions) (version uint64, err error) {
			err = write(ctx, record{Op: "set", Key: key, Value: value, TTL: o.TTL}, func() error {
				version, err = s.Set(ctx, key, value, o)
				return err
			})
			return version, err
		},
		delete: func(ctx context.Context, key string, when driver.Precondition) error {
			return write(ctx, record{Op: "delete", Key: key}, func() error { return s.Delete(ctx, key, when) })
		},
		list: func(ctx context.Context, prefix string, page driver.Page) ([]driver.EntryInfo, driver.Cursor, error) {
			if err := read(ctx); err != nil {
				return nil, "", err
			}
			return s.List(ctx, prefix, page)
		},
		saveSnapshot: func(ctx context.Context, snapshot driver.Snapshot) error {
			return write(ctx, record{Op: "save", Snapshot: snapshot}, func() error { return s.SaveSnapshot(ctx, snapshot) })
		},
		loadSnapshot: func(ctx context.Context, execution driver.ExecutionID) (driver.Snapshot, error) {
			return afterReading(ctx, read, func() (driver.Snapshot, error) { return s.LoadSnapshot(ctx, execution) })
		},
		deleteSnapshot: func(ctx context.Context, execution driver.ExecutionID) error {
			return write(ctx, record{Op: "forget", Execution: execution}, func() error { return s.DeleteSnapshot(ctx, execution) })
		},
		listSnapshots: func(ctx context.Context, page driver.Page) ([]driver.SnapshotInfo, driver.Cursor, error) {
			if err := read(ctx); err != nil {
				return nil, "", err
			}
			return s.ListSnapshots(ctx, page)
		},
	}
}

func durableMessages(s driver.MessageStore, read reading, write writing) driver.MessageStore {
	return &aMessageStore{
		MessageStore: s,
		createThread: func(ctx context.Context, t driver.Thread) (stored driver.Thread, err error) {
			err = write(ctx, record{Op: "create thread", Thread: t}, func() error {
				stored, err = s.CreateThread(ctx, t)
				return err
			})
			return stored, err
		},
		getThread: func(ctx context.Context, id driver.ThreadID, includeDeleted bool) (driver.Thread, error) {
			return afterReading(ctx, read, func() (driver.Thread, error) { return s.GetThread(ctx, id, includeDeleted) })
		},
		updateThread: func(ctx context.Context, t driver.Thread) (stored driver.Thread, err error) {
			err = write(ctx, record{Op: "update thread", Thread: t}, func() error {
				stored, err = s.UpdateThread(ctx, t)
				return err
			})
			return stored, err
		},
		deleteThread: func(ctx context.Context, id driver.ThreadID) error {
			return write(ctx, record{Op: "delete thread", Thread: driver.Thread{ID: id}}, func() error { return s.DeleteThread(ctx, id) })
		},
		listThreads: func(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
			if err := read(ctx); err != nil {
				return nil, "", err
			}
			return s.ListThreads(ctx, q)
		},
		createMessage: func(ctx context.Context, m driver.Message) (stored driver.Message, err error) {
			err = write(ctx, record{Op: "create message", Message: m}, func() error {
				stored, err = s.CreateMessage(ctx, m)
				return err
			})
			return stored, err
		},
		getMessage: func(ctx context.Context, id driver.MessageID, includeDeleted bool) (driver.Message, error) {
			return afterReading(ctx, read, func() (driver.Message, error) { return s.GetMessage(ctx, id, includeDeleted) })
		},
		updateMessage: func(ctx context.Context, m driver.Message) (stored driver.Message, err error) {
			err = write(ctx, record{Op: "update message", Message: m}, func() error {
				stored, err = s.UpdateMessage(ctx, m)
				return err
			})
			return stored, err
		},
		deleteMessage: func(ctx context.Context, id driver.MessageID) error {
			return write(ctx, record{Op: "delete message", Message: driver.Message{ID: id}}, func() error { return s.DeleteMessage(ctx, id) })
		},
		listMessages: func(ctx context.Context, q driver.MessageQuery) ([]driver.Message, driver.Cursor, error) {
			if err := read(ctx); err != nil {
				return nil, "", err
			}
			return s.ListMessages(ctx, q)
		},
	}
}

func durableVectors(s driver.VectorStore, read reading, write writing) driver.VectorStore {
	return &aVectorStore{
		VectorStore: s,
		ensureCollection: func(ctx context.Context, c driver.Collection) error {
			return write(ctx, record{Op: "ensure", Collection: c}, func() error { return s.EnsureCollection(ctx, c) })
		},
		deleteCollection: func(ctx context.Context, name string) error {
			return write(ctx, record{Op: "drop", Collection: driver.Collection{Name: name}}, func() error { return s.DeleteCollection(ctx, name) })
		},
		getCollection: func(ctx context.Context, name string) (driver.CollectionInfo, error) {
			return afterReading(ctx, read, func() (driver.CollectionInfo, error) { return s.GetCollection(ctx, name) })
		},
		listCollections: func(ctx context.Context, page driver.Page) ([]driver.CollectionInfo, driver.Cursor, error) {
			if err := read(ctx); err != nil {
				return nil, "", err
			}
			return s.ListCollections(ctx, page)
		},
		upsert: func(ctx context.Context, collection string, docs []driver.Document) error {
			return write(ctx, record{Op: "upsert", Collection: driver.Collection{Name: collection}, Documents: docs}, func() error { return s.Upsert(ctx, collection, docs) })
		},
		get: func(ctx context.Context, collection, id string) (driver.Document, error) {
			return afterReading(ctx, read, func() (driver.Document, error) { return s.Get(ctx, collection, id) })
		},
		delete: func(ctx context.Context, collection string, ids []string) error {
			return write(ctx, record{Op: "remove", Collection: driver.Collection{Name: collection}, IDs: ids}, func() error { return s.Delete(ctx, collection, ids) })
		},
		search: func(ctx context.Context, collection string, q driver.Query) (driver.Result, error) {
			return afterReading(ctx, read, func() (driver.Result, error) { return s.Search(ctx, collection, q) })
		},
	}
}

// HoldLock keeps every handle on a journal waiting until release is called.
func HoldLock(path string) (release func() error, err error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	for held := false; !held; time.Sleep(50 * time.Microsecond) {
		if held, err = tryLock(file, false); err != nil {
			file.Close()
			return nil, err
		}
	}
	return file.Close, nil
}
