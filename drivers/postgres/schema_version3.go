package postgres

// version3 makes the log cheaper to append to. The last sequence of an execution is
// that of its last event, no longer a column that each append changes, so executions
// are never changed either. IDs of events that are UUIDs are kept in their 16 bytes.
const version3 = version3Tables + version3Append + version3Load

// packedID is an expression for what packID makes of the ID in column id.
const packedID = `CASE
	WHEN id ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN decode(replace(id, '-', ''), 'hex')
	WHEN octet_length(id) = 16 THEN convert_to(id, 'UTF8') || decode('00', 'hex')
	ELSE convert_to(id, 'UTF8') END`

// The column stored is when an event was stored, NULL if that is its time. Of the
// events that are there already only the last one's is known.
const version3Tables = `
CREATE TABLE enact.events_version3 (
	execution bigint NOT NULL,
	sequence  bigint NOT NULL,
	time      timestamptz NOT NULL,
	stored    timestamptz,
	id        bytea NOT NULL,
	type      text COLLATE "C" NOT NULL,
	payload   bytea NOT NULL
);
INSERT INTO enact.events_version3 (execution, sequence, time, stored, id, type, payload)
	SELECT e.execution, e.sequence, e.time, CASE WHEN x.updated <> e.time THEN x.updated END, p.id, e.type, e.payload
	FROM enact.events e LEFT JOIN enact.executions x ON x.key = e.execution AND x.last = e.sequence, LATERAL (SELECT ` + packedID + ` AS id FROM (SELECT e.id) i) p
	ORDER BY e.execution, e.sequence;
DROP TABLE enact.events;
ALTER TABLE enact.events_version3 RENAME TO events;
ALTER TABLE enact.events ADD PRIMARY KEY (execution, sequence) WITH (fillfactor = 100), ADD UNIQUE (id, execution) WITH (fillfactor = 100);

DROP TRIGGER executions_begin_empty ON enact.executions;
DROP TRIGGER executions_only_grow ON enact.executions;
DROP TRIGGER executions_stay ON enact.executions;
ALTER TABLE enact.executions DROP CONSTRAINT executions_tenant_id_key_last_key, DROP COLUMN last, DROP COLUMN updated, ADD UNIQUE (tenant, id) INCLUDE (key);

CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE ON enact.events FOR EACH ROW EXECUTE FUNCTION enact.refuse();
CREATE TRIGGER events_not_truncated BEFORE TRUNCATE ON enact.events FOR EACH STATEMENT EXECUTE FUNCTION enact.refuse();
CREATE TRIGGER events_by_append BEFORE INSERT ON enact.events FOR EACH STATEMENT
	WHEN (current_setting('enact_log.appending', true) IS DISTINCT FROM 'yes')
	EXECUTE FUNCTION enact.refuse();
CREATE TRIGGER executions_stay BEFORE UPDATE OR DELETE ON enact.executions FOR EACH ROW EXECUTE FUNCTION enact.refuse();
`

// version3Append has two ways to append. append_together stores appends of several
// executions with as little as possible: it takes all to be as expected, all IDs to be
// new and nobody else to append meanwhile, which unique indexes find out if it is
// wrong. Then it returns NULL and has done nothing, and append does one append after
// the other, behind a lock on the execution. While they write they set
// enact_log.appending, without which nobody can make a gap.
//
// The arrays of append_together are first of executions, each once, in an order that
// is the same for all who append, so that two do not wait for one another: expected is
// what their last sequences have to be, NULL for anything; hints are what they were,
// as far as the caller knows, which only saves looking for the last one among all.
// The others are of events: keepers says whose each is, places its place among those
// of the same execution, from 1. It returns the last sequences of the executions
// before, and an empty array if the server is not to be trusted with it.
//
// append returns in outcome: 'done', 'repeated', 'taken' with the event's place in
// place, 'unexpected', or 'lossy' if the server is not to be trusted; last is the
// sequence to return or the actual one.
const version3Append = `
DROP FUNCTION enact.append;

CREATE FUNCTION enact.may_append(may_lose boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	-- It must see what was committed while it waited for a lock.
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'enact: this needs read committed';
	END IF;
	-- What is weaker would acknowledge before the log is on disk.
	IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
		PERFORM set_config('synchronous_commit', 'on', true);
	END IF;
	RETURN may_lose OR (current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on');
END $$;

CREATE FUNCTION enact.append_together(
	may_lose boolean, tenants text[], executions text[], expected bigint[], hints bigint[],
	keepers int[], places int[], ids bytea[], types text[], payloads bytea[], times timestamptz[],
	channel text, topics text[]
) RETURNS bigint[] LANGUAGE plpgsql
-- What its statistics call a small table may have grown: never read it all.
SET enable_seqscan = off
AS $$
DECLARE
	stamp CONSTANT timestamptz := clock_timestamp();
	keys bigint[];
	befores bigint[];
BEGIN
	IF NOT enact.may_append(may_lose) THEN
		RETURN '{}';
	END IF;
	LOOP
		SELECT array_agg(x.key), array_agg(coalesce(l.sequence, 0)) INTO keys, befores
		FROM unnest(tenants, executions, hints) AS g (tenant, id, hint)
		LEFT JOIN LATERAL (SELECT x.key FROM enact.executions x WHERE x.tenant = g.tenant AND x.id = g.id LIMIT 1) x ON true
		LEFT JOIN LATERAL (SELECT coalesce(
			(SELECT e.sequence FROM enact.events e WHERE e.execution = x.key AND e.sequence >= g.hint ORDER BY e.sequence DESC LIMIT 1),
			(SELECT e.sequence FROM enact.events e WHERE e.execution = x.key ORDER BY e.sequence DESC LIMIT 1)
		) AS sequence) l ON true;
		IF expected IS NOT NULL AND EXISTS (SELECT FROM unnest(expected, befores) AS g (expected, before) WHERE g.expected <> g.before) THEN
			RETURN NULL;
		END IF;
		EXIT WHEN array_position(keys, NULL) IS NULL;
		-- Whoever makes one at the same moment is waited for here.
		INSERT INTO enact.executions (tenant, id, created)
			SELECT g.tenant, g.id, stamp FROM unnest(tenants, executions, keys) AS g (tenant, id, key) WHERE g.key IS NULL
			ON CONFLICT (tenant, id) DO NOTHING;
	END LOOP;
	PERFORM set_config('enact_log.appending', 'yes', true);
	INSERT INTO enact.events (execution, sequence, time, stored, id, type, payload)
		SELECT keys[g.keeper], befores[g.keeper] + g.place, coalesce(g.time, stamp), CASE WHEN g.time <> stamp THEN stamp END, g.id, g.type, g.payload
		FROM unnest(keepers, places, ids, types, payloads, times) AS g (keeper, place, id, type, payload, time);
	PERFORM set_config('enact_log.appending', '', true);
	IF channel IS NOT NULL THEN
		PERFORM pg_notify(channel, g.topic) FROM unnest(topics) AS g (topic);
	END IF;
	RETURN befores;
EXCEPTION
	WHEN unique_violation THEN
		RETURN NULL;
END $$;

CREATE FUNCTION enact.append(
	may_lose boolean, for_tenant text, for_execution text, expected bigint,
	ids bytea[], types text[], payloads bytea[], times timestamptz[], channel text, topic text,
	OUT outcome text, OUT last bigint, OUT place int
) LANGUAGE plpgsql
SET enable_seqscan = off
AS $$
DECLARE
	n CONSTANT int := cardinality(ids);
	stamp CONSTANT timestamptz := clock_timestamp();
	x bigint;
	known int;
	first bigint;
BEGIN
	IF NOT enact.may_append(may_lose) THEN
		outcome := 'lossy'; last := 0;
		RETURN;
	END IF;
	SELECT e.key INTO x FROM enact.executions e WHERE e.tenant = for_tenant AND e.id = for_execution FOR NO KEY UPDATE;
	IF x IS NULL THEN
		IF coalesce(expected, 0) <> 0 THEN
			outcome := 'unexpected'; last := 0;
			RETURN;
		END IF;
		-- Whoever makes it at the same moment is waited for here.
		INSERT INTO enact.executions (tenant, id, created) VALUES (for_tenant, for_execution, stamp) ON CONFLICT (tenant, id) DO NOTHING;
		SELECT e.key INTO x FROM enact.executions e WHERE e.tenant = for_tenant AND e.id = for_execution FOR NO KEY UPDATE;
	END IF;
	-- Who appends together does not ask for the lock and may be first, again and again.
	FOR try IN 1..1000 LOOP
		last := coalesce((SELECT e.sequence FROM enact.events e WHERE e.execution = x ORDER BY e.sequence DESC LIMIT 1), 0);
		-- With LATERAL and LIMIT the server can only look up one ID after the other.
		SELECT count(*), min(e.sequence) FILTER (WHERE g.i = 1) INTO known, first FROM unnest(ids) WITH ORDINALITY AS g (id, i),
			LATERAL (SELECT e.sequence FROM enact.events e WHERE e.execution = x AND e.id = g.id LIMIT 1) e;
		IF known > 0 THEN
			SELECT g.i INTO place
			FROM unnest(ids, types, payloads, times) WITH ORDINALITY AS g (id, type, payload, time, i)
			LEFT JOIN LATERAL (SELECT * FROM enact.events e WHERE e.execution = x AND e.id = g.id LIMIT 1) e ON true
			WHERE e.sequence IS NULL OR e.sequence <> first + g.i - 1 OR e.type <> g.type OR e.payload <> g.payload OR e.time <> g.time
			ORDER BY g.i LIMIT 1;
			IF place IS NULL THEN
				outcome := 'repeated'; last := first + n - 1;
			ELSE
				outcome := 'taken';
			END IF;
			RETURN;
		END IF;
		IF expected <> last THEN
			outcome := 'unexpected';
			RETURN;
		END IF;
		BEGIN
			PERFORM set_config('enact_log.appending', 'yes', true);
			INSERT INTO enact.events (execution, sequence, time, stored, id, type, payload)
				SELECT x, last + g.i, coalesce(g.time, stamp), CASE WHEN g.time <> stamp THEN stamp END, g.id, g.type, g.payload
				FROM unnest(ids, types, payloads, times) WITH ORDINALITY AS g (id, type, payload, time, i);
			PERFORM set_config('enact_log.appending', '', true);
			IF channel IS NOT NULL THEN
				PERFORM pg_notify(channel, topic);
			END IF;
			outcome := 'done'; last := last + n;
			RETURN;
		EXCEPTION
			WHEN unique_violation THEN
		END;
	END LOOP;
	RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'enact: others have appended to the same execution again and again';
END $$;
`

// version3Load reads the beginning of a history, or what follows a sequence: at most so
// many events. The payload is NULL where it has more than largest bytes.
//
// It is a function because its plan is kept; to make one takes as long as to read a
// hundred events. Left to itself the server would make it anew for short histories.
const version3Load = `
CREATE FUNCTION enact.load(for_tenant text, for_execution text, behind bigint, most int, largest int)
RETURNS TABLE (sequence bigint, id bytea, type text, "time" timestamptz, payload bytea) LANGUAGE plpgsql STABLE
SET enable_seqscan = off SET enable_sort = off SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
	RETURN QUERY SELECT e.sequence, e.id, e.type, e.time, CASE WHEN octet_length(e.payload) <= largest THEN e.payload END
		FROM enact.events e
		WHERE e.execution = (SELECT x.key FROM enact.executions x WHERE x.tenant = for_tenant AND x.id = for_execution) AND e.sequence > behind
		ORDER BY e.sequence LIMIT most;
END $$;
`
