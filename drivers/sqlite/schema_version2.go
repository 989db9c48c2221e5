package sqlite

// version2 stores events in the order in which they come. In the first schema each
// execution had its own place in the table, so that a commit of events of many
// executions wrote a page for each and split it often; now their rows share pages,
// and only the small entries in events_by_sequence are apart. IDs come first in
// events_by_id, because those that are made for events grow with time.
const version2 = `
DROP TRIGGER events_no_update;
DROP TRIGGER events_no_delete;
DROP TRIGGER events_no_replace;
DROP INDEX events_by_id;
ALTER TABLE events RENAME TO events_version1;

CREATE TABLE events (
	key       INTEGER PRIMARY KEY CHECK (key > 0),
	execution INTEGER NOT NULL,
	sequence  INTEGER NOT NULL,
	id        ANY     NOT NULL, -- a UUID as 16 bytes, any other ID as text
	time      INTEGER NOT NULL,
	type      TEXT    NOT NULL,
	payload   BLOB    NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_sequence ON events (execution, sequence);
CREATE UNIQUE INDEX events_by_id ON events (id, execution);

INSERT INTO events (execution, sequence, id, time, type, payload)
	SELECT execution, key & 4294967295, id, time, type, payload FROM events_version1 ORDER BY key;
DROP TABLE events_version1;

CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN
	SELECT raise(ABORT, 'enact: events cannot be changed');
END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN
	SELECT raise(ABORT, 'enact: events cannot be deleted');
END;
-- REPLACE would delete without asking the trigger above.
CREATE TRIGGER events_no_replace BEFORE INSERT ON events
WHEN EXISTS (SELECT 1 FROM events WHERE key = new.key)
	OR EXISTS (SELECT 1 FROM events WHERE execution = new.execution AND sequence = new.sequence)
	OR EXISTS (SELECT 1 FROM events WHERE id = new.id AND execution = new.execution) BEGIN
	SELECT raise(FAIL, 'enact: the event exists');
END;
`
