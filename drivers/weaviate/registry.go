package weaviate

import (
	"context"

	"github.com/weaviate/weaviate/entities/models"

	"github.com/enactdev/enact/driver"
)

// The registry is a class with an object for each collection that a tenant has, or
// has had, in the tenant's own shard of it.
const registryClass = classPrefix + "Collections"

// Properties of objects in the registry.
const (
	propertyName       = "name"
	propertyDimension  = "dimension"
	propertyMetric     = "metric"
	propertyGeneration = "generation"
	propertyLive       = "live"
)

// entry is an object of the registry. A collection that is deleted keeps its
// generation, so that the next one of its name has another, and nothing that comes
// late for the old one is found in the new one.
type entry struct {
	driver.Collection
	generation uint64 // zero: there never was such a collection
	live       bool
}

// entry reads what the registry says of a collection.
func (s vectors) entry(ctx context.Context, name string) (entry, error) {
	objects, err := s.server.data.ObjectsGetter().WithClassName(registryClass).WithID(string(objectID(name))).WithTenant(s.shard).WithConsistencyLevel(consistencyQuorum).Do(ctx)
	if missing(err) || gone(err) == errGone {
		return entry{Collection: driver.Collection{Name: name}}, nil
	}
	if err != nil {
		return entry{}, err
	}
	return entryOf(objects[0]), nil
}

func entryOf(object *models.Object) entry {
	properties, _ := object.Properties.(map[string]any)
	text := func(name string) string { s, _ := properties[name].(string); return s }
	number := func(name string) float64 { n, _ := properties[name].(float64); return n }
	live, _ := properties[propertyLive].(bool)
	return entry{
		Collection: driver.Collection{Name: text(propertyName), Dimension: int(number(propertyDimension)), Metric: driver.Metric(text(propertyMetric))},
		generation: uint64(number(propertyGeneration)), live: live,
	}
}

// register stores an entry, and makes the tenant's shard of the registry if this is
// its first.
func (s vectors) register(w *write, e entry) error {
	object := &models.Object{Class: registryClass, Tenant: s.shard, ID: objectID(e.Name), Properties: map[string]any{
		propertyName: e.Name, propertyDimension: e.Dimension, propertyMetric: string(e.Metric), propertyGeneration: e.generation, propertyLive: e.live,
	}}
	err := s.putAll(w, []*models.Object{object}, consistencyQuorum)
	if err != errGone {
		return err
	}
	if err := s.makeTenants(w, registryClass, models.Tenant{Name: s.shard}); err != nil {
		return err
	}
	return s.putAll(w, []*models.Object{object}, consistencyQuorum)
}

// registryPage is how many entries are read at a time.
const registryPage = 1000

// entries reads all entries of the tenant, in no order.
func (s vectors) entries(ctx context.Context) (all []entry, err error) {
	after := "00000000-0000-0000-0000-000000000000"
	for {
		objects, err := s.server.data.ObjectsGetter().WithClassName(registryClass).WithTenant(s.shard).WithLimit(registryPage).WithAfter(after).Do(ctx)
		if gone(err) == errGone {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, object := range objects {
			all, after = append(all, entryOf(object)), string(object.ID)
		}
		if len(objects) < registryPage {
			return all, nil
		}
	}
}

func (s vectors) makeTenants(w *write, class string, tenants ...models.Tenant) error {
	return w.do(func(ctx context.Context) error {
		return s.server.schema.TenantsCreator().WithClassName(class).WithTenants(tenants...).Do(ctx)
	})
}

func (s vectors) dropTenants(w *write, class string, names ...string) error {
	return w.do(func(ctx context.Context) error {
		return s.server.schema.TenantsDeleter().WithClassName(class).WithTenants(names...).Do(ctx)
	})
}
