package sqlite

import (
	"fmt"

	"github.com/enactdev/enact/driver"
)

// applicationID marks files of this driver in SQLite's header: "Enac".
const applicationID = 0x456e6163

// migrations lead from each schema version to the next; version n is what the
// first n have made. They are never changed once released, only added to.
var migrations = []string{version1, version2}

// inspect returns the file's schema version, and refuses one that is not ours or
// is newer than this program, before anything is written to it.
func inspect(c *conn, where string) (version int, err error) {
	var application, tables int
	err = c.row("SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sqlite_schema)").
		Scan(&application, &version, &tables)
	switch {
	case err != nil:
		return 0, err
	case application != applicationID && (application != 0 || version != 0 || tables > 0):
		return 0, driver.Invalidf("sqlite: %s is the database of another application; name another file", where)
	case version < 0:
		return 0, driver.Invalidf("sqlite: %s has schema version %d, which no release has made; restore it from a backup", where, version)
	case version > len(migrations):
		return 0, fmt.Errorf("%w: sqlite: %s has schema version %d, this program knows versions up to %d; use a newer release", driver.ErrUnsupported, where, version, len(migrations))
	}
	return version, nil
}

// migrate brings the schema up to date inside the caller's write transaction,
// where the version can no longer change: of several processes that start at once
// one migrates and the others find it done.
func migrate(c *conn, where string) error {
	version, err := inspect(c, where)
	if err != nil || version == len(migrations) {
		return err
	}
	for _, migration := range migrations[version:] {
		if err := c.script(migration); err != nil {
			return fmt.Errorf("bring the schema up to date: %w", err)
		}
	}
	return c.script(fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, len(migrations)))
}

// version1 is the first schema. Times are microseconds since 1970, UTC. Strings
// that may hold NUL or invalid UTF-8 are BLOBs.
const version1 = `
-- An event's key is its execution's key, shifted left by 32, plus its sequence:
-- one B-tree in the order of histories, without a second index for it.
CREATE TABLE executions (
	key     INTEGER PRIMARY KEY CHECK (key BETWEEN 1 AND 2147483647),
	tenant  TEXT    NOT NULL,
	id      TEXT    NOT NULL,
	last    INTEGER NOT NULL,
	created INTEGER NOT NULL,
	updated INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX executions_by_id ON executions (tenant, id);

CREATE TABLE events (
	key       INTEGER PRIMARY KEY,
	execution INTEGER NOT NULL,
	id        ANY     NOT NULL, -- a UUID as 16 bytes, any other ID as text
	time      INTEGER NOT NULL,
	type      TEXT    NOT NULL,
	payload   BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_id ON events (execution, id);

CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN
	SELECT raise(ABORT, 'enact: events cannot be changed');
END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN
	SELECT raise(ABORT, 'enact: events cannot be deleted');
END;
-- REPLACE would delete without asking the trigger above.
CREATE TRIGGER events_no_replace BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE key = new.key)
	OR EXISTS (SELECT 1 FROM events WHERE execution = new.execution AND id = new.id) BEGIN
	SELECT raise(FAIL, 'enact: the event exists');
END;
CREATE TRIGGER executions_no_replace BEFORE INSERT ON executions
WHEN EXISTS (SELECT 1 FROM executions WHERE key = new.key)
	OR EXISTS (SELECT 1 FROM executions WHERE tenant = new.tenant AND id = new.id) BEGIN
	SELECT raise(FAIL, 'enact: the execution exists');
END;
CREATE TRIGGER executions_no_delete BEFORE DELETE ON executions BEGIN
	SELECT raise(ABORT, 'enact: executions cannot be deleted');
END;
CREATE TRIGGER executions_only_grow BEFORE UPDATE ON executions
WHEN new.key <> old.key OR new.tenant <> old.tenant OR new.id <> old.id OR new.last < old.last BEGIN
	SELECT raise(ABORT, 'enact: executions only grow');
END;

CREATE TABLE state (
	tenant  TEXT    NOT NULL,
	key     TEXT    NOT NULL,
	version INTEGER NOT NULL,
	expires INTEGER,
	value   BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX state_by_key ON state (tenant, key);
CREATE INDEX state_by_expiry ON state (expires) WHERE expires IS NOT NULL;

-- The highest version of any of a tenant's keys that was removed: where its new
-- keys begin, so that no version of a key comes again.
CREATE TABLE state_floor (
	tenant  TEXT    PRIMARY KEY,
	version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
	tenant    TEXT    NOT NULL,
	execution TEXT    NOT NULL,
	sequence  INTEGER NOT NULL,
	time      INTEGER NOT NULL,
	data      BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX snapshots_by_execution ON snapshots (tenant, execution);

CREATE TABLE threads (
	tenant   TEXT    NOT NULL,
	id       TEXT    NOT NULL,
	user     TEXT    NOT NULL,
	created  INTEGER NOT NULL,
	updated  INTEGER NOT NULL,
	touched  INTEGER NOT NULL, -- grows with every update among the user's threads
	deleted  INTEGER,
	version  INTEGER NOT NULL,
	title    BLOB    NOT NULL,
	metadata BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX threads_by_id ON threads (tenant, id);
CREATE INDEX threads_by_user ON threads (tenant, user, touched);
CREATE INDEX threads_by_user_live ON threads (tenant, user, touched) WHERE deleted IS NULL;

CREATE TABLE messages (
	tenant    TEXT    NOT NULL,
	id        TEXT    NOT NULL,
	thread    TEXT    NOT NULL,
	position  INTEGER NOT NULL,
	parent    TEXT    NOT NULL,
	execution TEXT    NOT NULL,
	role      TEXT    NOT NULL,
	created   INTEGER NOT NULL,
	updated   INTEGER NOT NULL,
	deleted   INTEGER,
	version   INTEGER NOT NULL,
	content   BLOB    NOT NULL,
	parts     BLOB    NOT NULL,
	details   BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_by_id ON messages (tenant, id);
CREATE UNIQUE INDEX messages_by_position ON messages (tenant, thread, position);
CREATE INDEX messages_by_execution ON messages (tenant, execution, thread, position) WHERE execution <> '';

-- AUTOINCREMENT: copies in memory are known by this key, so it must not return.
CREATE TABLE collections (
	key       INTEGER PRIMARY KEY AUTOINCREMENT,
	tenant    TEXT    NOT NULL,
	name      TEXT    NOT NULL,
	dimension INTEGER NOT NULL,
	metric    TEXT    NOT NULL,
	count     INTEGER NOT NULL,
	version   INTEGER NOT NULL, -- grows with every write to its documents
	trimmed   INTEGER NOT NULL  -- removals up to this version are no longer listed
) STRICT;
CREATE UNIQUE INDEX collections_by_name ON collections (tenant, name);

-- The embedding stands before what may be long, so that reading it alone reads
-- few pages.
CREATE TABLE documents (
	key        INTEGER PRIMARY KEY,
	collection INTEGER NOT NULL,
	changed    INTEGER NOT NULL, -- the collection's version that wrote it
	id         TEXT    NOT NULL,
	embedding  BLOB    NOT NULL, -- float32, little-endian
	metadata   BLOB    NOT NULL,
	content    BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX documents_by_id ON documents (collection, id);
CREATE INDEX documents_by_change ON documents (collection, changed);

CREATE TABLE removals (
	collection INTEGER NOT NULL,
	version    INTEGER NOT NULL,
	document   INTEGER NOT NULL,
	PRIMARY KEY (collection, version, document)
) STRICT, WITHOUT ROWID;

-- What filters ask for: a row for each scalar in a document's metadata.
CREATE TABLE attributes (
	collection INTEGER NOT NULL,
	key        BLOB    NOT NULL,
	kind       INTEGER NOT NULL,
	value      ANY     NOT NULL,
	document   INTEGER NOT NULL,
	PRIMARY KEY (collection, key, kind, value, document)
) STRICT, WITHOUT ROWID;
`
