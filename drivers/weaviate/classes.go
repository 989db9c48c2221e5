package weaviate

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/weaviate/weaviate/entities/models"

	"github.com/enactdev/enact/driver"
)

// Properties of documents. Only filters is indexed.
const (
	propertyID        = "document"
	propertyContent   = "content"
	propertyBytes     = "contentBytes" // a content that is not UTF-8, in base64
	propertyMetadata  = "metadata"
	propertyEmbedding = "embedding" // one that is not in the index, in base64
	propertyFilters   = "filters"
)

// distances are Weaviate's names of the metrics. All of them are less for what is
// nearer.
var distances = map[driver.Metric]string{driver.Cosine: "cosine", driver.Dot: "dot", driver.Euclidean: "l2-squared"}

// classInfo is what must be known of a class of documents.
type classInfo struct {
	replicated bool
	// exactUpTo is how many documents that match a filter are compared one by one.
	exactUpTo int64
}

func property(name, dataType string, indexed bool) *models.Property {
	no := false
	p := &models.Property{Name: name, DataType: []string{dataType}, IndexFilterable: &indexed, IndexSearchable: &no}
	if indexed {
		p.Tokenization = models.PropertyTokenizationField
	}
	return p
}

// latestWins is Weaviate's name for having replicas that differ agree on what was
// written or deleted last.
const latestWins = "TimeBasedResolution"

// class returns the definition of one that keeps tenants apart.
func (b *backend) class(name, description string) *models.Class {
	c := &models.Class{Class: name, Description: description, Vectorizer: "none", MultiTenancyConfig: &models.MultiTenancyConfig{Enabled: true}}
	c.ReplicationConfig = &models.ReplicationConfig{Factor: int64(b.replication), DeletionStrategy: latestWins}
	return c
}

// ensureClass makes the class for collections of a name and a metric, if it is not
// there, and refuses one that is not as the driver needs it.
func (b *backend) ensureClass(ctx context.Context, collection string, metric driver.Metric) (classInfo, error) {
	name := className(collection, metric)
	if known, ok := b.classes.Load(name); ok {
		return known.(classInfo), nil
	}
	class, err := b.server.schema.ClassGetter().WithClassName(name).Do(ctx)
	if missing(err) {
		wanted := b.class(name, fmt.Sprintf("Documents of enact, in collections %q by %s.", collection, metric))
		wanted.VectorIndexType, wanted.VectorIndexConfig = b.index.kind, b.index.config(metric)
		wanted.Properties = []*models.Property{
			property(propertyID, "text", false), property(propertyContent, "text", false), property(propertyBytes, "text", false),
			property(propertyMetadata, "text", false), property(propertyEmbedding, "text", false), property(propertyFilters, "text[]", true),
		}
		class, err = b.makeClass(ctx, wanted)
	}
	if err != nil {
		return classInfo{}, err
	}
	return b.inspect(class, metric)
}

// findClass is ensureClass for one that must be there, since it was made before the
// collection was.
func (b *backend) findClass(ctx context.Context, collection string, metric driver.Metric) (classInfo, error) {
	name := className(collection, metric)
	if known, ok := b.classes.Load(name); ok {
		return known.(classInfo), nil
	}
	class, err := b.server.schema.ClassGetter().WithClassName(name).Do(ctx)
	if missing(err) {
		return classInfo{}, deleted(name)
	}
	if err != nil {
		return classInfo{}, err
	}
	return b.inspect(class, metric)
}

// makeClass makes a class, or gets what another has made meanwhile.
func (b *backend) makeClass(ctx context.Context, class *models.Class) (*models.Class, error) {
	err := b.server.schema.ClassCreator().WithClass(class).Do(ctx)
	if err != nil && !says(err, "already exists") {
		return nil, err
	}
	return b.server.schema.ClassGetter().WithClassName(class.Class).Do(ctx)
}

// inspect checks that a class is as the driver has made it, and remembers it.
func (b *backend) inspect(class *models.Class, metric driver.Metric) (classInfo, error) {
	if err := b.checkTenancy(class); err != nil {
		return classInfo{}, err
	}
	var index struct {
		Distance string `json:"distance"`
		Cutoff   int64  `json:"flatSearchCutoff"`
	}
	if text, err := json.Marshal(class.VectorIndexConfig); err != nil || json.Unmarshal(text, &index) != nil || index.Distance != distances[metric] {
		return classInfo{}, changed(class.Class, fmt.Sprintf("its distance is not %s", distances[metric]))
	}
	indexed := false
	for _, p := range class.Properties {
		indexed = indexed || p.Name == propertyFilters && p.Tokenization == models.PropertyTokenizationField && (p.IndexFilterable == nil || *p.IndexFilterable)
	}
	if !indexed {
		return classInfo{}, changed(class.Class, "its property "+propertyFilters+" is not indexed")
	}
	info := classInfo{replicated: class.ReplicationConfig != nil && class.ReplicationConfig.Factor > 1, exactUpTo: index.Cutoff}
	if class.VectorIndexType == indexFlat {
		info.exactUpTo = 1 << 62
	}
	b.classes.Store(class.Class, info)
	return info, nil
}

func (b *backend) checkTenancy(class *models.Class) error {
	if class.MultiTenancyConfig == nil || !class.MultiTenancyConfig.Enabled {
		return changed(class.Class, "it has no tenants")
	}
	if b.replication > 0 && class.ReplicationConfig != nil && class.ReplicationConfig.Factor != int64(b.replication) {
		return fmt.Errorf("%w: weaviate: class %s has replication factor %d, and the DSN asks for %d; change one of them", driver.ErrConflict, class.Class, class.ReplicationConfig.Factor, b.replication)
	}
	return nil
}

func deleted(class string) error { return changed(class, "it has gone, with its documents") }

func changed(class, how string) error {
	return fmt.Errorf("weaviate: somebody else has changed class %s: %s; delete its collections, and the class, and make them again", class, how)
}

// ensureOwnClasses makes the classes that hold no documents.
func (b *backend) ensureOwnClasses(ctx context.Context) error {
	registry := b.class(registryClass, "Which collections the tenants of enact have.")
	registry.Properties = []*models.Property{
		property(propertyName, "text", false), property(propertyMetric, "text", false), notIndexed(propertyDimension, "int"), notIndexed(propertyGeneration, "int"), notIndexed(propertyLive, "boolean"),
	}
	elections := b.class(electionClass, "Decisions of enact on what a collection is like; empty unless one is being made.")
	for _, class := range []*models.Class{registry, elections} {
		class.VectorIndexType, class.VectorIndexConfig = indexHNSW, map[string]any{"skip": true}
		there, err := b.server.schema.ClassGetter().WithClassName(class.Class).Do(ctx)
		if missing(err) {
			there, err = b.makeClass(ctx, class)
		}
		if err == nil {
			err = b.checkTenancy(there)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// notIndexed is property for what is no text.
func notIndexed(name, dataType string) *models.Property {
	no := false
	return &models.Property{Name: name, DataType: []string{dataType}, IndexFilterable: &no}
}
