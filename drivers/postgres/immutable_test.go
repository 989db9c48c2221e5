package postgres

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// logOf is everything in the log, as text.
func logOf(o *outsider) string {
	return valueOf[string](o, "SELECT (SELECT string_agg(e::text, ' ' ORDER BY execution, sequence) FROM enact.events e) || (SELECT string_agg(e::text, ' ' ORDER BY key) FROM enact.executions e)")
}

// TestImmutable has a superuser with a connection of their own attack the log in
// every way that SQL knows, but for changing the schema: the engine refuses it, and
// a gap cannot be made either (E2, E4).
func TestImmutable(t *testing.T) {
	t.Parallel()
	dsn := newDSN(t)
	b := open(t, dsn)
	testkit.Check(t, testkit.Append(t.Context(), b, "one", testkit.Events("e", 3)))
	testkit.Check(t, testkit.Append(t.Context(), b, "two", testkit.Events("e", 1)))
	o := outside(t, dsn)
	if !valueOf[bool](o, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") {
		t.Fatal("the attacker is no superuser: this test shows less than it should")
	}
	const one = "(SELECT key FROM enact.executions WHERE id = 'one')"
	before := logOf(o)
	for _, statement := range []string{
		"UPDATE enact.events SET payload = ''",
		"UPDATE enact.events SET type = 'forged' WHERE sequence = 1",
		"UPDATE enact.events SET sequence = sequence + 1000",
		"UPDATE enact.events SET time = time",
		"UPDATE ONLY enact.events SET id = id || 'x'::bytea",
		"WITH x AS (UPDATE enact.events SET payload = '' RETURNING 1) SELECT * FROM x",
		"DELETE FROM enact.events",
		"DELETE FROM enact.events WHERE sequence = 3",
		"DELETE FROM enact.events USING enact.executions x WHERE x.key = execution",
		"TRUNCATE enact.events",
		"TRUNCATE enact.executions, enact.events RESTART IDENTITY CASCADE",
		"INSERT INTO enact.events SELECT * FROM enact.events ON CONFLICT (execution, sequence) DO UPDATE SET payload = ''",
		"INSERT INTO enact.events SELECT * FROM enact.events ON CONFLICT (id, execution) DO UPDATE SET payload = ''",
		"INSERT INTO enact.events SELECT * FROM enact.events ON CONFLICT DO NOTHING",
		"MERGE INTO enact.events e USING enact.events f ON e.execution = f.execution AND e.sequence = f.sequence WHEN MATCHED THEN UPDATE SET payload = ''",
		"MERGE INTO enact.events e USING enact.events f ON e.execution = f.execution AND e.sequence = f.sequence WHEN MATCHED THEN DELETE",
		"MERGE INTO enact.events e USING (SELECT 1) f ON false WHEN NOT MATCHED THEN INSERT VALUES (" + one + ", 9, now(), NULL, 'x', 'x', '')",

		"INSERT INTO enact.events VALUES (" + one + ", 4, now(), NULL, 'next', 'x', '')",
		"INSERT INTO enact.events VALUES (" + one + ", 9, now(), NULL, 'far', 'x', '')",
		"INSERT INTO enact.events VALUES (" + one + ", 0, now(), NULL, 'zero', 'x', '')",
		"INSERT INTO enact.events VALUES (999, 1, now(), NULL, 'unowned', 'x', '')",

		"UPDATE enact.executions SET key = DEFAULT",
		"UPDATE enact.executions SET tenant = 'other'",
		"UPDATE enact.executions SET id = 'renamed' WHERE id = 'one'",
		"UPDATE enact.executions SET created = now() + interval '1 day'",
		"DELETE FROM enact.executions",
		"TRUNCATE enact.executions",
		"INSERT INTO enact.executions (tenant, id, created) SELECT tenant, id, created FROM enact.executions ON CONFLICT (tenant, id) DO UPDATE SET created = now()",
		"MERGE INTO enact.executions e USING (SELECT 1) f ON true WHEN MATCHED THEN UPDATE SET created = now()",
		"MERGE INTO enact.executions e USING (SELECT 1) f ON true WHEN MATCHED THEN DELETE",

		// What append allows itself ends with it.
		"SELECT enact.append(false, 't', 'one', NULL, ARRAY['late'::bytea], ARRAY['x'], ARRAY['\\x00'::bytea], ARRAY[NULL::timestamptz], NULL, NULL); INSERT INTO enact.events VALUES (" + one + ", 9, now(), NULL, 'x', 'x', '')",
		"SELECT enact.append_together(false, ARRAY['t'], ARRAY['one'], NULL, ARRAY[0], ARRAY[1], ARRAY[1], ARRAY['late'::bytea], ARRAY['x'], ARRAY['\\x00'::bytea], NULL, NULL, NULL); INSERT INTO enact.events VALUES (" + one + ", 9, now(), NULL, 'x', 'x', '')",
		"SELECT enact.append(false, 't', 'one', NULL, ARRAY['late'::bytea], ARRAY['x'], ARRAY['\\x00'::bytea], ARRAY[NULL::timestamptz], NULL, NULL); DELETE FROM enact.events",
	} {
		_, err := o.Exec(context.Background(), o.named(statement), pgx.QueryExecModeSimpleProtocol)
		if err == nil || !strings.Contains(err.Error(), "is refused") {
			t.Errorf("%s: %v, want it refused (E4)", statement, err)
		}
		if after := logOf(o); after != before {
			t.Fatalf("after %s the log is\n%s\nwant\n%s", statement, after, before)
		}
	}
	_, err := o.PgConn().CopyFrom(t.Context(), strings.NewReader("1\t9\t2026-01-01\t\\N\tcopied\tx\t\n"), o.named("COPY enact.events FROM STDIN"))
	if err == nil || !strings.Contains(err.Error(), "is refused") || logOf(o) != before {
		t.Errorf("COPY into the log: %v, want it refused (E4)", err)
	}
	testkit.Check(t, testkit.Append(t.Context(), b, "one", testkit.Events("after", 2)))
	if n := len(testkit.History(t, b, driver.ExecutionID("one"))); n != 5 {
		t.Errorf("%d events are stored, want 5", n)
	}
}
