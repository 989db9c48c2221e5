package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// childOpens opens a store at the same moment as others and writes an event. Its
// arguments are the DSN and its own name.
func childOpens(ctx context.Context, args []string) error {
	if err := testkit.Ready(); err != nil {
		return err
	}
	return withStore(ctx, args[0], func(b *backend) error {
		if err := b.HealthCheck(ctx); err != nil {
			return err
		}
		return testkit.Append(ctx, b, "shared", []driver.Event{testkit.Numbered(args[1], 0)})
	})
}

// TestProcessesStartTogether: ten processes find no schema at the same moment; all
// succeed, and it is made once.
func TestProcessesStartTogether(t *testing.T) {
	t.Parallel()
	for range 2 {
		dsn := newDSN(t)
		var children []*testkit.Child
		for i := range 10 {
			children = append(children, testkit.StartChild(t, "open", dsn, strconv.Itoa(i)))
		}
		testkit.RunTogether(children...)
		testkit.CheckOnce(t, open(t, dsn), "shared", 10)
		checkSchemaText(t, dsn)
	}
}

// TestHandlesStartTogether is the same inside one process, on a pool that is shared.
func TestHandlesStartTogether(t *testing.T) {
	t.Parallel()
	for range 3 {
		dsn := newDSN(t)
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range 10 {
			all.Go(func() {
				<-start
				err := withStore(t.Context(), dsn, func(b *backend) error {
					return testkit.Append(t.Context(), b, "shared", []driver.Event{testkit.Numbered(strconv.Itoa(i), 0)})
				})
				if err != nil {
					t.Errorf("one of 10 that start at once: %v", err)
				}
			})
		}
		close(start)
		testkit.Within(t, "starting 10 times at once", all.Wait)
		testkit.CheckOnce(t, open(t, dsn), "shared", 10)
		checkSchemaText(t, dsn)
	}
}

// schemaText is what a schema consists of.
func schemaText(t *testing.T, dsn string) string {
	o := outside(t, dsn)
	text := valueOf[string](o, `SELECT string_agg(line, E'\n' ORDER BY line) FROM (
		SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type AS line FROM information_schema.columns WHERE table_schema = $1
		UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = $1
		UNION ALL SELECT 'trigger ' || trigger_name || ' ' || event_manipulation FROM information_schema.triggers WHERE trigger_schema = $1
		UNION ALL SELECT 'function ' || proname || ' ' || prosrc FROM pg_proc WHERE pronamespace = quote_ident($1)::regnamespace
	) x`, o.schema) + fmt.Sprintf("\nversions %d", valueOf[int](o, "SELECT count(*) FROM enact.enact_version"))
	return strings.ReplaceAll(strings.ReplaceAll(text, o.schema, "enact"), `"`, "")
}

// modelSchema is the schema that one made in peace.
var modelSchema struct {
	sync.Once
	text string
}

// checkSchemaText compares a schema with the model.
func checkSchemaText(t *testing.T, dsn string) {
	t.Helper()
	modelSchema.Do(func() {
		model := newDSN(t)
		shutdown(t, open(t, model))
		modelSchema.text = schemaText(t, model)
	})
	if got := schemaText(t, dsn); got != modelSchema.text {
		t.Errorf("the schema is\n%s\nwant\n%s", got, modelSchema.text)
	}
}

const eventsPerProcess = 200

// childAppends appends events one by one. Its arguments are the DSN and its name.
func childAppends(ctx context.Context, args []string) error {
	return withStore(ctx, args[0], func(b *backend) error {
		if err := testkit.Ready(); err != nil {
			return err
		}
		for i := range eventsPerProcess {
			if err := testkit.Append(ctx, b, "shared", []driver.Event{testkit.Numbered(args[1], i)}); err != nil {
				return fmt.Errorf("append event %d: %w", i, err)
			}
		}
		return nil
	})
}

// TestProcessesAppend: processes write to one execution at once; there is no error,
// no gap, no loss and no duplicate, and each one's events are in its order (E2, B7).
func TestProcessesAppend(t *testing.T) {
	t.Parallel()
	dsn := newDSN(t)
	var children []*testkit.Child
	for _, name := range []string{"a", "b", "c"} {
		children = append(children, testkit.StartChild(t, "append", dsn, name))
	}
	testkit.RunTogether(children...)
	testkit.CheckOnce(t, open(t, dsn), "shared", 3*eventsPerProcess)
}
