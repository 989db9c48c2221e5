// Package redis keeps the state of enact in Redis 6.2 or later or in Valkey, and
// events and messages where the server keeps what it acknowledges, on
// redis/go-redis. It needs the commands and the Lua of the core, and no module.
//
// Importing it registers the DSN schemes
//
//	redis://user:password@cache.example.com:6379/0
//	rediss://user:password@cache.example.com:6380/0
//	redis+unix://user:password@/run/redis/redis.sock?db=0
//	redis+cluster://user:password@one.example.com:6379,two.example.com
//	redis+sentinel://one.example.com:26379,two.example.com/0?master_name=main&password=…
//
// and, with TLS, rediss+cluster and rediss+sentinel. The user before the hosts of a
// Sentinel DSN is that of the sentinels; the server's is in username and password.
// Everything but a Unix socket is network.
//
// The parameters are those of go-redis (pool_size, read_timeout and so on; further
// addresses of a cluster may be in addr as well), and the driver's own; any other is
// refused, and so is what reads from replicas. No environment variable counts.
//
//	enact_prefix           what all keys begin with; default enact
//	enact_sweep_interval   how often the indexes of expired state are reclaimed;
//	                       default 30s
//	enact_replicas         how many replicas must have a write before it is
//	                       acknowledged; default 0
//	enact_replica_timeout  how long to wait for them; default 3s, and less than
//	                       read_timeout
//	enact_durability       server-has-appendonly-yes-and-appendfsync-always: vouches
//	                       for a server on which CONFIG GET is forbidden
//	enact_tls_ca           a file of certificates to trust instead of the system's
//
// go-redis prints to standard error what it thinks of its connections; redis.SetLogger
// of that package changes where.
//
// # What the server can promise
//
// State is a cache, and any server will do for it. Events and messages are offered
// only if every master says
//
//	appendonly yes
//	appendfsync always
//	no-appendfsync-on-rewrite no
//	maxmemory-policy noeviction, or no maxmemory
//
// Otherwise opening these roles fails and says which of them to set. They can be
// changed while the server runs, and a failover may bring a master with others. So an
// open store asks all masters for them every 5 seconds, and in HealthCheck; from then
// on writes of events and messages are ErrUnavailable, and say which to set, until they
// are found right again. Reading and state go on. What was acknowledged between a
// change and the next look may be lost, since no script can ask for them. A server
// that was vouched for is not asked again. HealthCheck reports a policy
// that may evict for state, too: a cache that loses keys loses no answer, and yet
// somebody should know.
//
// Each acknowledged write is then on the disk of its master. It is not on the disk of
// a replica: replication is asynchronous, so a failover to a replica that does not
// have the last writes loses them, and so does a master that was cut off from the
// others and went on taking writes until it noticed. enact_replicas makes that rare
// and not impossible: WAIT tells that so many replicas have received a write, not that
// they have it on disk, nor that one of them will be elected. A write that too few
// replicas have in time ends with an error that says so; it may stay. Set
// min-replicas-to-write as well, so that a master that was cut off soon stops taking
// writes. Who cannot lose an event to a failover keeps events elsewhere.
//
// # What rests on what
//
//	rule     mechanism of Redis
//	E1       the append-only file, synced before the answer; WAIT for replicas
//	E2, E3   one script for a batch; nothing runs beside a script, and the file has
//	         the effects of one whole or not at all
//	E4       streams with explicit IDs, which only grow; who may write to the server
//	         may remove a stream all the same
//	E5, E6   last sequence and known IDs are looked at in the script that writes
//	E7       pieces of a stream, each read by one script; nothing is held between
//	E8       binary strings; times are decimal microseconds
//	E9, S5   sorted sets with equal scores, which are in the order of bytes
//	S1, S2   a key for each value, with its version and expiry before it, which the
//	         server expires to the millisecond by its own clock; indexes are swept by
//	         any process with the same prefix
//	S3       the last version in the tenant plus one, compared in the script that
//	         writes; it begins with the server's clock in microseconds, so that none
//	         comes again after FLUSHALL or eviction
//	S4       compared in the script that saves
//	M2, M8   sorted sets by thread and position, and by user and update, each with
//	         one beside it that has no deleted ones
//	M5       compared in the script that writes
//	B5       all keys of a tenant begin with a hash tag made of prefix and tenant
//	B6       a write that is cancelled waits briefly for the server's answer; what
//	         follows for its tenant on the same handle waits until it has ended
//	B7       one script for each operation
//
// GetMany and SetMany are one MGET or one script for each 256 keys. While four calls of
// Get and Set are on their way to a server that is no cluster, those that arrive go
// together in one pipeline; whoever finds fewer on their way waits for nobody.
//
// A tenant is on one node of a cluster, whole, and no operation ever spans slots. Many
// tenants spread; one very large tenant does not.
//
// # Failures
//
// Scripts are sent by their hash, and whole to a server that does not know them.
// Redirections of a cluster are followed. What the server has certainly not done (it
// is loading, a replica, moving keys, electing a master; the connection was refused) is
// tried again for a short time and then ErrUnavailable, as is a server without memory
// or with a full disk. Reads are repeated when their connection is lost. A write whose
// answer is lost is not: its error does not match ErrUnavailable, and the caller
// repeats it. go-redis is kept from repeating it by itself.
//
// # Rights
//
// The user of the DSN needs, for the default prefix,
//
//	~{enact* +@read +@write +@scripting +@connection +time +wait +asking +cluster|slots +config|get
//
// Connecting tries once what the scripts do, so that a right that is missing is found
// then.
package redis
