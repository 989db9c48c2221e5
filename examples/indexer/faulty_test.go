package main

import (
	"context"
	"errors"

	"github.com/enactdev/enact/driver"
)

// fault makes one write of a backend fail.
type fault struct {
	at      int  // which write, counted from 1; 0: none
	applied bool // the write is done, and then reported as failed
	writes  int

	event driver.EventID // fail the append that begins with this event instead
}

var errLost = errors.New("the connection was lost")

func (f *fault) write(do func() error) error {
	f.writes++
	if f.writes != f.at {
		return do()
	}
	if f.applied {
		if err := do(); err != nil {
			return err
		}
	}
	return errLost
}

// faulty is a backend with a fault.
type faulty struct {
	driver.Connector
	*fault
}

func (c faulty) Connect(ctx context.Context) (driver.Backend, error) {
	b, err := c.Connector.Connect(ctx)
	return faultyBackend{b, c.fault}, err
}

type faultyBackend struct {
	driver.Backend
	*fault
}

func (b faultyBackend) Tenant(id driver.TenantID) driver.Stores {
	s := b.Backend.Tenant(id)
	return driver.Stores{
		Events: faultyEvents{s.Events, b.fault}, State: faultyState{s.State, b.fault},
		Messages: faultyMessages{s.Messages, b.fault}, Vectors: faultyVectors{s.Vectors, b.fault},
	}
}

type faultyEvents struct {
	driver.EventStore
	*fault
}

func (s faultyEvents) Append(ctx context.Context, id driver.ExecutionID, expect driver.Expectation, events []driver.Event) (last uint64, err error) {
	if events[0].ID == s.event {
		return 0, errLost
	}
	err = s.write(func() error {
		last, err = s.EventStore.Append(ctx, id, expect, events)
		return err
	})
	return last, err
}

type faultyState struct {
	driver.StateStore
	*fault
}

func (s faultyState) SaveSnapshot(ctx context.Context, snapshot driver.Snapshot) error {
	return s.write(func() error { return s.StateStore.SaveSnapshot(ctx, snapshot) })
}

func (s faultyState) DeleteSnapshot(ctx context.Context, id driver.ExecutionID) error {
	return s.write(func() error { return s.StateStore.DeleteSnapshot(ctx, id) })
}

type faultyMessages struct {
	driver.MessageStore
	*fault
}

func (s faultyMessages) CreateThread(ctx context.Context, th driver.Thread) (stored driver.Thread, err error) {
	err = s.write(func() error {
		stored, err = s.MessageStore.CreateThread(ctx, th)
		return err
	})
	return stored, err
}

func (s faultyMessages) CreateMessage(ctx context.Context, m driver.Message) (stored driver.Message, err error) {
	err = s.write(func() error {
		stored, err = s.MessageStore.CreateMessage(ctx, m)
		return err
	})
	return stored, err
}

type faultyVectors struct {
	driver.VectorStore
	*fault
}

func (s faultyVectors) EnsureCollection(ctx context.Context, c driver.Collection) error {
	return s.write(func() error { return s.VectorStore.EnsureCollection(ctx, c) })
}

func (s faultyVectors) DeleteCollection(ctx context.Context, name string) error {
	return s.write(func() error { return s.VectorStore.DeleteCollection(ctx, name) })
}

func (s faultyVectors) Upsert(ctx context.Context, name string, docs []driver.Document) error {
	return s.write(func() error { return s.VectorStore.Upsert(ctx, name, docs) })
}

func (s faultyVectors) Delete(ctx context.Context, name string, ids []string) error {
	return s.write(func() error { return s.VectorStore.Delete(ctx, name, ids) })
}
