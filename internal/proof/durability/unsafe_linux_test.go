package durability

import (
	"path"
	"slices"
	"testing"
	"time"
)

// cutsToFind are enough power cuts to find a fault that there is.
const cutsToFind = 200

// TestUnsafeSettingsAreFound: both checks find what is wrong with a child whose
// connections sync less than the driver has them sync.
func TestUnsafeSettingsAreFound(t *testing.T) {
	for _, synchronous := range []string{"NORMAL", "OFF"} {
		t.Run(synchronous, func(t *testing.T) {
			tr := traceOf(t, func() (*trace, error) {
				return record(order{Until: []int{30, 35}, Synchronous: synchronous})
			})
			checked, wrong := unsyncedAcknowledgements(tr)
			if len(wrong) < checked/2 {
				t.Errorf("with synchronous=%s the trace shows %d acknowledgements of %d that came too early, want most", synchronous, len(wrong), checked)
			}
			wantFound(t, tr)
		})
	}
}

// TestBrokenTracesAreFound: the checks find what is wrong with traces out of which
// syncs are taken, and with one of a child that acknowledges before it writes.
func TestBrokenTracesAreFound(t *testing.T) {
	tr := traceOf(t, recorded)
	inUse := slices.IndexFunc(tr.steps, func(s step) bool { return s.acknowledges != nil })
	tests := map[string]struct {
		broken *trace
		// early says that acknowledgements come too early too. They don't where only
		// what comes later needs the sync.
		early bool
	}{
		"no sync of the WAL":                  {tr.without(func(_ int, s step) bool { return s.path == tr.wal() }), true},
		"no sync of the database file":        {tr.without(func(_ int, s step) bool { return s.path == tr.database }), false},
		"no sync of the database file in use": {tr.without(func(i int, s step) bool { return s.path == tr.database && i > inUse }), false},
		"no sync of the folder":               {tr.without(func(_ int, s step) bool { return s.path == path.Dir(tr.database) }), true},
		"acknowledgements before the writes":  {tr.hurried(), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if _, wrong := unsyncedAcknowledgements(test.broken); (len(wrong) > 0) != test.early {
				t.Errorf("%d acknowledgements came too early, want some: %t", len(wrong), test.early)
			}
			wantFound(t, test.broken)
		})
	}
}

func wantFound(t *testing.T, tr *trace) {
	t.Helper()
	chosen := uint64(time.Now().UnixNano())
	err := cutPower(t.Context(), tr, chooseCuts(tr, cutsToFind, chosen), "")
	if err == nil {
		t.Fatalf("seed %d: none of %d power cuts has broken a promise", chosen, cutsToFind)
	}
	t.Log(err)
}

// without is a trace in which some syncs have not happened.
func (tr *trace) without(taken func(position int, s step) bool) *trace {
	broken := &trace{database: tr.database}
	for i, s := range tr.steps {
		if !s.syncs() || !taken(i, s) {
			broken.steps = append(broken.steps, s)
		}
	}
	return broken
}

// hurried is a trace in which every writer acknowledges each write when it had only
// acknowledged the one before.
func (tr *trace) hurried() *trace {
	acknowledged := map[string][]*call{}
	for _, s := range tr.steps {
		if a := s.acknowledges; a != nil && s.begins {
			acknowledged[a.writer] = append(acknowledged[a.writer], s.call)
		}
	}
	broken := &trace{database: tr.database}
	for _, s := range tr.steps {
		a := s.acknowledges
		if a == nil || a.number == 0 {
			broken.steps = append(broken.steps, s)
		}
		if a != nil && !s.begins && a.number+1 < len(acknowledged[a.writer]) {
			next := acknowledged[a.writer][a.number+1]
			broken.steps = append(broken.steps, step{next, true}, step{next, false})
		}
	}
	return broken
}
