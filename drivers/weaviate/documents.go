package weaviate

import (
	"context"
	"errors"

	"github.com/weaviate/weaviate-go-client/v4/weaviate/filters"
	"github.com/weaviate/weaviate/entities/models"

	"github.com/enactdev/enact/driver"
)

// Bounds of one request, unless a single document is larger. A document takes about
// this many bytes in JSON besides its own, and a component of an embedding these.
const (
	requestDocuments = 1000
	requestBytes     = 8 << 20
	documentBytes    = 500
	componentBytes   = 12
	tokenBytes       = tokenLength + 3
)

// Upsert checks all documents, and sends them in requests of a bounded size. Weaviate
// has no transactions: while it runs others may find a part of them, and one that
// fails says which documents are not stored.
func (s vectors) Upsert(ctx context.Context, name string, docs []driver.Document) error {
	return s.write(ctx, func(ctx context.Context, w *write) error {
		if len(docs) == 0 {
			_, err := s.find(ctx, name)
			return err
		}
		made := 0
		for {
			err := s.with(ctx, name, func(c pinned) error {
				if err := c.Validate(docs); err != nil {
					return err
				}
				return s.upsert(w, c, docs)
			})
			if err != errGone || made > attempts {
				return err
			}
			// The collection is there, and this is its first document.
			made++
			if err := s.makeShare(ctx, w, name); err != nil {
				return err
			}
		}
	})
}

// makeShare makes the tenant of Weaviate for a collection that has no documents yet.
func (s vectors) makeShare(ctx context.Context, w *write, name string) error {
	c, err := s.find(ctx, name)
	if err != nil {
		return err
	}
	if err := s.makeTenants(w, c.class, models.Tenant{Name: c.tenant}); err != nil {
		return err
	}
	var now entry
	if err := w.do(func(ctx context.Context) (err error) {
		now, err = s.entry(ctx, name)
		return err
	}); err != nil || now == c.entry {
		return err
	}
	// It was deleted meanwhile, and nobody else will delete this.
	return s.dropTenants(w, c.class, c.tenant)
}

// upsert stores documents in a collection.
func (s vectors) upsert(w *write, c pinned, docs []driver.Document) error {
	failed := &PartialError{Collection: c.Name, Failed: map[string]error{}}
	for len(docs) > 0 {
		var objects []*models.Object
		for size := 0; len(objects) < len(docs) && len(objects) < requestDocuments; {
			d := docs[len(objects)]
			object, tokens, err := objectOf(c, d)
			if err != nil {
				return err
			}
			size += documentBytes + len(d.ID) + 2*(len(d.Content)+len(d.Metadata)) + componentBytes*len(d.Embedding) + tokenBytes*tokens
			if len(objects) > 0 && size > requestBytes {
				break
			}
			objects = append(objects, object)
		}
		refused, err := s.put(w, objects, s.consistency)
		if err != nil {
			return err
		}
		for i, err := range refused {
			if err != nil {
				failed.add(docs[i].ID, err)
			}
		}
		docs = docs[len(objects):]
	}
	if len(failed.IDs) > 0 {
		return failed
	}
	return nil
}

func (e *PartialError) add(id string, err error) {
	e.IDs = append(e.IDs, id)
	e.Failed[id] = err
}

// put stores objects of one class and tenant and returns why each was refused. Its
// error is errGone when there is no such tenant.
func (s vectors) put(w *write, objects []*models.Object, consistency string) (refused []error, err error) {
	err = w.do(func(ctx context.Context) (err error) {
		if refused, err = s.server.put(ctx, objects, consistency); err != nil {
			return err
		}
		for _, reason := range refused {
			if err := gone(reason); err == errGone || transient(reason) {
				return err
			}
		}
		return nil
	})
	if transient(err) && refused != nil {
		err = nil // which documents it is about, the caller says
	}
	return refused, err
}

// putAll is put where nothing may be refused.
func (s vectors) putAll(w *write, objects []*models.Object, consistency string) error {
	refused, err := s.put(w, objects, consistency)
	if err != nil {
		return err
	}
	return errors.Join(refused...)
}

func (s vectors) Get(ctx context.Context, name, id string) (doc driver.Document, err error) {
	err = s.read(ctx, func(ctx context.Context) error {
		err := s.with(ctx, name, func(c pinned) error {
			objects, err := s.server.data.ObjectsGetter().WithClassName(c.class).WithID(string(objectID(id))).WithTenant(c.tenant).WithVector().WithConsistencyLevel(s.consistency).Do(ctx)
			if missing(err) {
				return driver.NotFoundf("document %q in collection %q", id, name)
			}
			if err != nil {
				return gone(err)
			}
			properties, _ := objects[0].Properties.(map[string]any)
			doc, err = documentOf(properties, objects[0].Vector)
			return err
		})
		if err == errGone {
			return driver.NotFoundf("document %q in collection %q", id, name)
		}
		return err
	})
	if err != nil {
		return driver.Document{}, err
	}
	return doc, nil
}

// deletedAtOnce bounds the IDs in one request.
const deletedAtOnce = 1000

func (s vectors) Delete(ctx context.Context, name string, ids []string) error {
	return s.write(ctx, func(ctx context.Context, w *write) error {
		if len(ids) == 0 {
			_, err := s.find(ctx, name)
			return err
		}
		err := s.with(ctx, name, func(c pinned) error { return s.delete(w, c, ids) })
		if err == errGone {
			return nil // there are no documents
		}
		return err
	})
}

func (s vectors) delete(w *write, c pinned, ids []string) error {
	failed := &PartialError{Collection: c.Name, Failed: map[string]error{}}
	for len(ids) > 0 {
		some := ids[:min(len(ids), deletedAtOnce)]
		ids = ids[len(some):]
		byUUID := map[string]string{}
		uuids := make([]string, len(some))
		for i, id := range some {
			uuids[i] = string(objectID(id))
			byUUID[uuids[i]] = id
		}
		var answer *models.BatchDeleteResponse
		err := w.do(func(ctx context.Context) (err error) {
			answer, err = s.server.batch.ObjectsBatchDeleter().WithClassName(c.class).WithTenant(c.tenant).WithConsistencyLevel(s.consistency).WithOutput("minimal").
				WithWhere(filters.Where().WithPath([]string{"id"}).WithOperator(filters.ContainsAny).WithValueString(uuids...)).Do(ctx)
			return gone(err)
		})
		if err != nil {
			return err
		}
		if answer.Results == nil {
			continue
		}
		for _, object := range answer.Results.Objects {
			if object.Errors == nil || len(object.Errors.Error) == 0 {
				continue
			}
			failed.add(byUUID[string(object.ID)], errors.New(oneLine(object.Errors.Error[0].Message)))
		}
	}
	if len(failed.IDs) > 0 {
		return failed
	}
	return nil
}
