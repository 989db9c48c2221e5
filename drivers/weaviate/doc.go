// Package weaviate keeps the vector role of enact in Weaviate 1.33 or later, with
// Weaviate's own client, which compiles on 64-bit systems only.
//
// Importing it registers the DSN schemes "weaviate" (HTTP) and "weaviates" (HTTPS):
//
//	weaviate://localhost:8080
//	weaviate://localhost:8080/namespace?grpc_port=50051&consistency_level=QUORUM
//	weaviates://cluster.example.com/namespace?api_key=…
//	weaviates://cluster.example.com?oidc_client_id=…&oidc_client_secret=…
//
// The port is 8080, or 443 for HTTPS. The path, which may be missing, names a
// namespace: what applications keep in different ones on one server is apart. The
// parameters, percent-encoded, are these; any other is refused.
//
//	api_key             an API key
//	oidc_client_secret  client credentials of OpenID Connect, for the provider that
//	oidc_client_id      the server names; the ID and the scopes, separated by
//	oidc_scopes         spaces, are by default those that it names, too
//	grpc_port           sends documents by gRPC, to this port of the same host
//	timeout             of one request; default 1m
//	consistency_level   ONE, QUORUM or ALL replicas must answer; default QUORUM
//	replication_factor  how many nodes keep a document; default the server's. One
//	                    that differs from that of a class which is there is refused
//	index               hnsw or flat, which compares with every embedding; default
//	                    hnsw
//	ef, ef_construction, max_connections, dynamic_ef_min, dynamic_ef_max,
//	dynamic_ef_factor, flat_search_cutoff
//	                    Weaviate's settings of an hnsw index; default the server's
//
// The index and its settings are those of classes that are made from then on; one that
// is there stays as it is. A redirect to another host is not followed, and a proxy
// that the environment names is not used. Loopback is network, so that air-gapped mode
// refuses this driver.
//
// # What is where
//
// The documents of all collections of one name and metric, whichever tenant's, are in
// a class of that name: EnactCosine_docs for "docs" with cosine similarity. Each
// tenant that has written to its collection is a tenant of the class. A document is an
// object with a UUID made from its ID. Two more classes are EnactCollections, the
// registry of who has which collection, and EnactElections, which is empty unless a
// collection is being made.
//
// Each name that a collection has costs a class, which takes Weaviate some tenths of a
// second to make; tenants are cheap. So tell collections by what is in them, and users
// by tenants.
//
// # What rests on what
//
//	rule  mechanism of Weaviate
//	B5    multi-tenancy: a shard for each tenant, in the registry and in each class
//	B6    what was begun is finished, also for a caller who has given up
//	V1    the first of several who make a collection at once is decided by adding
//	      tenants to EnactElections, which Raft does in one step; the registry has the
//	      result. A collection that is made anew has a shard of another name, so that
//	      nothing of the old one is found in it
//	V2    all documents are checked before the first is sent; an answer says that the
//	      write is in the write-ahead logs of as many replicas as the consistency
//	      level demands, which are files: they outlive the process at once and a power
//	      cut as soon as the operating system has written them
//	V3    driver.Score on the embeddings that the server returns
//	V4    tokens: hashes of facts about the metadata, in one property that is indexed
//	      by whole values. They find what a filter selects, and sometimes a little
//	      more, which [driver.Filter.Match] sorts out
//	V5    a collection of up to flat_search_cutoff documents is compared one by one;
//	      in a larger one the index answers, and the result is called exact only if
//	      all that match were found. Where the index finds fewer than match, the
//	      collection is read
//	V7    metadata, as it was given, is a property of its own
//
// Embeddings whose length is below 1e-15 or above 1e18, with which Weaviate's 32-bit
// sums do not work, are kept beside the index and compared by the driver.
//
// # Consistency
//
// Weaviate has no transactions. When Upsert has returned its documents are found. While
// it runs, others may find some of its documents and not yet the others, and a search
// may miss for a moment a document that is being replaced. A batch of which the server
// refuses some documents fails with a *[PartialError] that lists these; the others are
// stored. A batch that is cut short by the server's end may be stored in part. Repeating
// the call repairs either. With several replicas, QUORUM or ALL has reads see
// writes; counts and lists come from one replica, which may be behind by what its node
// has missed. In a cluster it takes some tenths of a second until every node has heard
// that a collection was deleted; until then other processes may find its documents.
//
// A server that was killed may lack in its hnsw index some document that it had
// acknowledged (seen with 1.35.2, of about one in a thousand that were being written at
// that moment). Get finds it all the same, and so do searches that few documents match.
//
// The server must index at once: ASYNC_INDEXING must be off.
package weaviate
