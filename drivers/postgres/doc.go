// Package postgres keeps all four roles of enact in PostgreSQL 15 or later, on
// jackc/pgx and its pool; the vector role needs the extension pgvector 0.8 or
// later.
//
// Importing it registers the DSN schemes "postgres" and "postgresql":
//
//	postgres://user:password@db.example.com:5432/app?sslmode=verify-full
//	postgres://user@one.example.com,two.example.com/app?target_session_attrs=read-write
//	postgres:///app?host=/run/postgresql
//	postgres://user@%2Frun%2Fpostgresql/app
//
// The parameters are those of libpq that pgx knows, of pgx and of its pool
// (pool_max_conns and so on), a few settings of the session, and the driver's own;
// any other is refused. What a DSN leaves open comes from the environment and the
// service file, as with libpq; the user in the end from /etc/passwd or USER.
//
//	enact_schema          the schema of the tables, which is made if it is not
//	                      there; default enact
//	enact_sweep_interval  how often expired state is reclaimed; default 30s
//	enact_notify          on: appends tell at once who tails an execution, at the
//	                      price that their commits wait for one another; default
//	                      off. It must be on where it is written and where it is
//	                      tailed. Behind a transaction pooler nothing is told, and
//	                      who tails looks once a second
//	enact_durability      server-may-lose-data: accept a server with fsync or
//	                      full_page_writes off
//
// Everything but a Unix socket is network, several hosts if one of them is.
//
// # What rests on what
//
//	rule     mechanism of PostgreSQL
//	E1       COMMIT with synchronous_commit=on (or remote_apply) forced in every
//	         write but those of state; a server with fsync=off or
//	         full_page_writes=off is refused, also when it is turned off later
//	E2, E5   a unique index on execution and sequence: the next sequence follows the
//	         last one that is committed, and of two that take the same one the
//	         second finds it taken; it then appends behind a lock on the row of the
//	         execution (FOR NO KEY UPDATE), and read committed lets it see the first
//	E3       one transaction for a batch, one INSERT from unnest
//	E4       triggers that refuse UPDATE, DELETE, TRUNCATE, and INSERT by anyone
//	         but the functions append and append_together
//	E6       a unique index on event ID and execution
//	E7       pieces by primary key, each one statement that sees whole commits; no
//	         connection is held between them
//	E8       payloads are bytea, times timestamptz (to the microsecond)
//	E9, S5   indexes in the collation "C", which is the order of bytes
//	S2       clock_timestamp() of the server in every query; expired rows are
//	         deleted in batches with FOR UPDATE SKIP LOCKED, by any process
//	S3       versions from a sequence, taken behind a transaction-scoped advisory
//	         lock on the key
//	S4       INSERT … ON CONFLICT DO UPDATE … WHERE
//	M2       positions from the thread's row, behind its lock
//	M5       the version compared behind the thread's lock
//	M8       a sequence numbers the updates of threads, with an index on it
//	V1       a table for each collection, with its dimension in the column's type
//	V3       driver.Score on the embeddings that the server returns
//	V4       one jsonpath, given as a parameter, over scalars in canonical form
//	V5       exact search, or an hnsw index with strict iterative scan, and exact
//	         search when that finds too few
//	B5       the tenant is a column of every key and a condition of every query
//	B6       whole transactions; a call that is cancelled waits briefly for the
//	         server's answer, so that what it began does not land later
//	B7       all of the above are locks and constraints of the server
//
// Nothing is kept in a session: no prepared statement with a name, no session lock,
// no setting beyond a transaction. So a transaction pooler such as PgBouncer may
// stand between. The schema is brought up to date under a transaction-scoped
// advisory lock; any number of processes may start at once.
//
// # Settings that change
//
// synchronous_commit may be changed at any time, for the server, a database or a role:
// what must be kept sets it for its own transaction. fsync and full_page_writes are
// looked at again by each such write, in the statement that it sends anyway: once its
// connection's process has loaded the settings again, which it does before its next
// statement, the write is ErrUnavailable and changes nothing, and HealthCheck says so.
// Reading goes on, and so does state, which is a cache. When the setting is on again so
// is the store. A transaction that has begun may still end. What was acknowledged
// before can be lost as well, since a checkpoint without fsync ends with the log being
// reused: after turning it on again, have the operating system write back its cache
// (sync) before trusting the server.
//
// # Failures
//
// Serialization failures and deadlocks, which the server has undone, are tried
// again. Reads are repeated on another connection when theirs is lost. A write whose
// connection is lost is repeated by the driver only if the server cannot have got
// it; otherwise its error does not match ErrUnavailable, and the caller repeats it.
// A standby and a read-only role can be read from; writes are ErrUnavailable.
//
// # Rights
//
// The user needs to create a schema in the database, or to own the schema that is
// there, since every collection of vectors is a table. The extension is made if
// the user may; if it is missing, enact.Open says what to install or grant.
// A superuser can change the log with session_replication_role=replica. Restoring
// data alone needs pg_restore --disable-triggers.
//
// # Vectors
//
// Up to 3.84 million components (10,000 embeddings of 384) search is exact. Above
// that, and up to 2,000 dimensions, the hnsw index answers and the result says that
// it is approximate, unless the index found too few; embeddings of more dimensions
// have no index and are searched exactly.
package postgres
