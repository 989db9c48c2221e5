package postgres

// version1 is the first schema. Identifiers are text compared byte by byte; what
// may hold NUL or invalid UTF-8 is bytea.
const version1 = version1Tables + version1Events + version1State

const version1Tables = `
CREATE TABLE enact.enact_version (version int NOT NULL);
INSERT INTO enact.enact_version VALUES (0);

CREATE TABLE enact.executions (
	key     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	tenant  text COLLATE "C" NOT NULL,
	id      text COLLATE "C" NOT NULL,
	last    bigint      NOT NULL,
	created timestamptz NOT NULL,
	updated timestamptz NOT NULL,
	UNIQUE (tenant, id) INCLUDE (key, last)
);

CREATE TABLE enact.events (
	execution bigint NOT NULL,
	sequence  bigint NOT NULL,
	time      timestamptz NOT NULL,
	id        text COLLATE "C" NOT NULL,
	type      text COLLATE "C" NOT NULL,
	payload   bytea NOT NULL,
	PRIMARY KEY (execution, sequence),
	UNIQUE (execution, id)
);

-- Versions of keys, so that none comes again, and the order of updates of threads.
CREATE SEQUENCE enact.versions;
CREATE SEQUENCE enact.touches;

CREATE TABLE enact.state (
	tenant  text COLLATE "C" NOT NULL,
	key     text COLLATE "C" NOT NULL,
	version bigint NOT NULL,
	expires timestamptz,
	value   bytea NOT NULL,
	PRIMARY KEY (tenant, key)
);
CREATE INDEX state_by_expiry ON enact.state (expires) WHERE expires IS NOT NULL;

CREATE TABLE enact.snapshots (
	tenant    text COLLATE "C" NOT NULL,
	execution text COLLATE "C" NOT NULL,
	sequence  bigint NOT NULL,
	time      timestamptz NOT NULL,
	data      bytea NOT NULL,
	PRIMARY KEY (tenant, execution)
);

CREATE TABLE enact.threads (
	tenant    text COLLATE "C" NOT NULL,
	id        text COLLATE "C" NOT NULL,
	person    text COLLATE "C" NOT NULL,
	created   timestamptz NOT NULL,
	updated   timestamptz NOT NULL,
	deleted   timestamptz,
	touched   bigint NOT NULL,
	version   bigint NOT NULL,
	positions bigint NOT NULL,
	title     bytea NOT NULL,
	metadata  bytea NOT NULL,
	PRIMARY KEY (tenant, id)
);
CREATE INDEX threads_by_person ON enact.threads (tenant, person, touched);
CREATE INDEX live_threads_by_person ON enact.threads (tenant, person, touched) WHERE deleted IS NULL;

CREATE TABLE enact.messages (
	tenant    text COLLATE "C" NOT NULL,
	id        text COLLATE "C" NOT NULL,
	thread    text COLLATE "C" NOT NULL,
	position  bigint NOT NULL,
	parent    text COLLATE "C" NOT NULL,
	execution text COLLATE "C" NOT NULL,
	role      text COLLATE "C" NOT NULL,
	created   timestamptz NOT NULL,
	updated   timestamptz NOT NULL,
	deleted   timestamptz,
	version   bigint NOT NULL,
	content   bytea NOT NULL,
	parts     bytea NOT NULL,
	details   bytea NOT NULL,
	PRIMARY KEY (tenant, id),
	UNIQUE (tenant, thread, position)
);
CREATE INDEX live_messages_by_position ON enact.messages (tenant, thread, position) WHERE deleted IS NULL;
CREATE INDEX live_messages_by_execution ON enact.messages (tenant, execution, thread, position) WHERE execution <> '' AND deleted IS NULL;
CREATE INDEX messages_by_execution ON enact.messages (tenant, execution, thread, position) WHERE execution <> '';
`

// version1Events refuses every change of the log, whoever tries, and appends to
// it. append returns in outcome: 'done', 'repeated', 'taken' with the event's ID in
// subject, or 'unexpected'; last is the sequence to return or the actual one. While
// it writes it sets enact_log.appending, without which nobody can make a gap.
const version1Events = `
CREATE FUNCTION enact.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'enact: % of % is refused: the log grows by append and is never changed', TG_OP, TG_TABLE_NAME;
END $$;
CREATE TRIGGER events_stay BEFORE UPDATE OR DELETE ON enact.events FOR EACH ROW EXECUTE FUNCTION enact.refuse();
CREATE TRIGGER events_not_truncated BEFORE TRUNCATE ON enact.events FOR EACH STATEMENT EXECUTE FUNCTION enact.refuse();
CREATE TRIGGER events_by_append BEFORE INSERT ON enact.events FOR EACH STATEMENT
	WHEN (current_setting('enact_log.appending', true) IS DISTINCT FROM 'yes')
	EXECUTE FUNCTION enact.refuse();
CREATE TRIGGER executions_stay BEFORE DELETE ON enact.executions FOR EACH ROW EXECUTE FUNCTION enact.refuse();
CREATE TRIGGER executions_not_truncated BEFORE TRUNCATE ON enact.executions FOR EACH STATEMENT EXECUTE FUNCTION enact.refuse();
CREATE TRIGGER executions_begin_empty BEFORE INSERT ON enact.executions FOR EACH ROW WHEN (new.last <> 0) EXECUTE FUNCTION enact.refuse();
CREATE TRIGGER executions_only_grow BEFORE UPDATE ON enact.executions FOR EACH ROW
	WHEN (new.key <> old.key OR new.tenant <> old.tenant OR new.id <> old.id OR new.last < old.last OR new.created <> old.created
		OR (new.last > old.last AND current_setting('enact_log.appending', true) IS DISTINCT FROM 'yes'))
	EXECUTE FUNCTION enact.refuse();

CREATE FUNCTION enact.append(
	for_tenant text, for_execution text, expected bigint, ids text[], types text[], payloads bytea[], times timestamptz[],
	channel text DEFAULT NULL, topic text DEFAULT NULL,
	OUT outcome text, OUT last bigint, OUT subject text
) LANGUAGE plpgsql AS $$
DECLARE
	n CONSTANT int := cardinality(ids);
	stamp CONSTANT timestamptz := clock_timestamp();
	x bigint;
	known int;
	first bigint;
BEGIN
	-- It must see what was committed while it waited for a lock.
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'enact: this needs read committed';
	END IF;
	-- What is weaker would acknowledge before the log is on disk.
	IF current_setting('synchronous_commit') NOT IN ('on', 'remote_apply') THEN
		PERFORM set_config('synchronous_commit', 'on', true);
	END IF;
	SELECT e.key, e.last INTO x, last FROM enact.executions e WHERE e.tenant = for_tenant AND e.id = for_execution FOR NO KEY UPDATE;
	IF x IS NULL THEN
		IF coalesce(expected, 0) <> 0 THEN
			outcome := 'unexpected'; last := 0;
			RETURN;
		END IF;
		-- Whoever makes it at the same moment is waited for here.
		INSERT INTO enact.executions AS e (tenant, id, last, created, updated) VALUES (for_tenant, for_execution, 0, stamp, stamp)
			ON CONFLICT (tenant, id) DO UPDATE SET last = e.last RETURNING e.key, e.last INTO x, last;
	END IF;
	-- With LATERAL and LIMIT the server can only look up one ID after the other; it
	-- would read the whole history where its statistics are bad.
	IF last > 0 THEN
		SELECT count(*) INTO known FROM unnest(ids) AS g (id),
			LATERAL (SELECT FROM enact.events e WHERE e.execution = x AND e.id = g.id LIMIT 1) e;
		IF known > 0 THEN
			SELECT e.sequence INTO first FROM enact.events e WHERE e.execution = x AND e.id = ids[1];
			SELECT g.id INTO subject
			FROM unnest(ids, types, payloads, times) WITH ORDINALITY AS g (id, type, payload, time, i)
			LEFT JOIN LATERAL (SELECT * FROM enact.events e WHERE e.execution = x AND e.id = g.id LIMIT 1) e ON true
			WHERE e.sequence IS NULL OR e.sequence <> first + g.i - 1 OR e.type <> g.type OR e.payload <> g.payload OR e.time <> g.time
			ORDER BY g.i LIMIT 1;
			IF subject IS NULL THEN
				outcome := 'repeated'; last := first + n - 1;
			ELSE
				outcome := 'taken';
			END IF;
			RETURN;
		END IF;
	END IF;
	IF expected <> last THEN
		outcome := 'unexpected';
		RETURN;
	END IF;
	PERFORM set_config('enact_log.appending', 'yes', true);
	INSERT INTO enact.events (execution, sequence, time, id, type, payload)
		SELECT x, last + g.i, coalesce(g.time, stamp), g.id, g.type, g.payload
		FROM unnest(ids, types, payloads, times) WITH ORDINALITY AS g (id, type, payload, time, i);
	last := last + n;
	UPDATE enact.executions e SET last = append.last, updated = greatest(stamp, e.updated) WHERE e.key = x;
	PERFORM set_config('enact_log.appending', '', true);
	IF channel IS NOT NULL THEN
		PERFORM pg_notify(channel, topic);
	END IF;
	outcome := 'done';
END $$;
`

// version1State changes keys one at a time: without the lock two writers of a new
// key could store the lower of their versions last. expected is NULL for no
// condition and 0 for a key that must be absent. done says whether the key was as
// expected; actual is its version, before if not done and after if so. Behind the
// lock they must see what was committed before it.
const version1State = `
CREATE FUNCTION enact.live_version(for_tenant text, for_key text) RETURNS bigint LANGUAGE sql VOLATILE AS $$
	SELECT coalesce((SELECT s.version FROM enact.state s WHERE s.tenant = for_tenant AND s.key = for_key AND (s.expires IS NULL OR s.expires > clock_timestamp())), 0)
$$;

CREATE FUNCTION enact.put(for_tenant text, for_key text, new_value bytea, ttl_micros bigint, expected bigint, OUT done boolean, OUT actual bigint) LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'enact: this needs read committed';
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended(for_tenant || chr(1) || for_key, 0));
	actual := enact.live_version(for_tenant, for_key);
	done := expected IS NULL OR expected = actual;
	IF done THEN
		actual := nextval('enact.versions');
		INSERT INTO enact.state AS s (tenant, key, version, expires, value)
			VALUES (for_tenant, for_key, actual, CASE WHEN ttl_micros > 0 THEN clock_timestamp() + ttl_micros * interval '1 microsecond' END, new_value)
			ON CONFLICT (tenant, key) DO UPDATE SET version = excluded.version, expires = excluded.expires, value = excluded.value;
	END IF;
END $$;

CREATE FUNCTION enact.remove(for_tenant text, for_key text, expected bigint, OUT done boolean, OUT actual bigint) LANGUAGE plpgsql AS $$
BEGIN
	IF current_setting('transaction_isolation') <> 'read committed' THEN
		RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'enact: this needs read committed';
	END IF;
	PERFORM pg_advisory_xact_lock(hashtextextended(for_tenant || chr(1) || for_key, 0));
	actual := enact.live_version(for_tenant, for_key);
	done := expected IS NULL OR expected = actual;
	IF done THEN
		DELETE FROM enact.state s WHERE s.tenant = for_tenant AND s.key = for_key;
	END IF;
END $$;
`
