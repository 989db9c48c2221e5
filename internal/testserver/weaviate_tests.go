package testserver

import "testing"

// WeaviateFor starts a server that ends with the test, which is skipped if there is
// none to start.
func WeaviateFor(tb testing.TB, settings ...string) *Weaviate {
	tb.Helper()
	if missing := FindWeaviate(); missing != "" {
		tb.Skip(missing)
	}
	w, err := StartWeaviate(settings...)
	return forTest(tb, w, err, (*Weaviate).Remove)
}

// WeaviateClusterFor starts a cluster that ends with the test, which is skipped if
// there is none to start.
func WeaviateClusterFor(tb testing.TB, size int, settings ...string) *WeaviateCluster {
	tb.Helper()
	if missing := FindWeaviate(); missing != "" {
		tb.Skip(missing)
	}
	c, err := StartWeaviateCluster(size, settings...)
	return forTest(tb, c, err, (*WeaviateCluster).Remove)
}
