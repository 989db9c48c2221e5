package weaviate

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/enactdev/enact/driver"
)

// settings are what a DSN, or an option of NewConnector, can say besides the address.
type settings struct {
	namespace   string
	timeout     time.Duration // of one request
	consistency string
	replication int // zero: the server's default
	index       indexSettings
}

// Consistency levels of Weaviate.
const (
	consistencyOne    = "ONE"
	consistencyQuorum = "QUORUM"
	consistencyAll    = "ALL"
)

var consistencyLevels = []string{consistencyOne, consistencyQuorum, consistencyAll}

const defaultTimeout = time.Minute

func defaultSettings() settings {
	return settings{timeout: defaultTimeout, consistency: consistencyQuorum, index: indexSettings{kind: indexHNSW}}
}

// Kinds of vector index.
const (
	indexHNSW = "hnsw"
	indexFlat = "flat"
)

// indexSettings are those of the classes that are made.
type indexSettings struct {
	kind string
	// numbers are settings of hnsw, by their names in Weaviate. Those that are not
	// there have the server's defaults.
	numbers [len(indexNumbers)]int
}

// indexNumbers are the settings of an hnsw index that can be chosen: the DSN
// parameter, and Weaviate's name for it.
var indexNumbers = [...]struct{ parameter, name string }{
	{"ef", "ef"},
	{"ef_construction", "efConstruction"},
	{"max_connections", "maxConnections"},
	{"dynamic_ef_min", "dynamicEfMin"},
	{"dynamic_ef_max", "dynamicEfMax"},
	{"dynamic_ef_factor", "dynamicEfFactor"},
	{"flat_search_cutoff", flatSearchCutoff},
}

// flatSearchCutoff is Weaviate's setting of how many documents that match a filter
// are compared one by one, which is exact.
const flatSearchCutoff = "flatSearchCutoff"

// config is what Weaviate calls vectorIndexConfig. Compression that the server
// defaults to is left out, since it would make what is compared inexact.
func (s indexSettings) config(metric driver.Metric) map[string]any {
	config := map[string]any{"distance": distances[metric], "skipDefaultQuantization": true}
	for i, number := range indexNumbers {
		if s.numbers[i] != 0 {
			config[number.name] = s.numbers[i]
		}
	}
	return config
}

// namespaceName is what a namespace may be called.
var namespaceName = regexp.MustCompile(`^[A-Za-z0-9._-]{0,63}$`)

func (s settings) check() error {
	switch {
	case !namespaceName.MatchString(s.namespace):
		return driver.Invalidf("weaviate: the namespace must be at most 63 letters of ASCII, digits, dots, _ and -")
	case !slices.Contains(consistencyLevels, s.consistency):
		return driver.Invalidf("weaviate: the consistency level must be one of %s", strings.Join(consistencyLevels, ", "))
	case s.replication < 0:
		return driver.Invalidf("weaviate: the replication factor is %d; it must be positive", s.replication)
	case s.timeout <= 0:
		return driver.Invalidf("weaviate: the timeout is %v; it must be positive", s.timeout)
	case s.index.kind != indexHNSW && s.index.kind != indexFlat:
		return driver.Invalidf("weaviate: the index must be %s or %s", indexHNSW, indexFlat)
	}
	if s.index.kind == indexFlat {
		for i, n := range s.index.numbers {
			if n != 0 {
				return driver.Invalidf("weaviate: %s is a setting of the index %s, and the index is %s", indexNumbers[i].parameter, indexHNSW, indexFlat)
			}
		}
	}
	return nil
}

// String keeps the settings short when they are printed.
func (s settings) String() string { return fmt.Sprintf("namespace %q", s.namespace) }
