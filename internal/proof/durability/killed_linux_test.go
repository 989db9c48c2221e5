package durability

import (
	"testing"
	"time"
)

// TestRepeatedAfterAKill kills a process at each of its syncs. What it has written by
// then, and not synced, the next process finds in the WAL, committed. It may not
// acknowledge a call that is repeated for it before that is synced (E1, E6).
func TestRepeatedAfterAKill(t *testing.T) {
	const writes = 4
	for _, name := range []string{"large", "messages"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kills, windows := 0, 0
			for at := 1; ; at++ {
				tr := traceOf(t, func() (*trace, error) {
					return record(
						order{Only: name, Until: []int{writes}, KilledAtSync: at},
						order{Only: name, Until: []int{writes + 1}},
					)
				})
				if len(tr.acknowledgements()[name]) != writes+1 {
					t.Fatalf("killed at sync %d: %d writes were acknowledged by both processes, want %d", at, len(tr.acknowledgements()[name]), writes+1)
				}
				if _, wrong := unsyncedAcknowledgements(tr); len(wrong) > 0 {
					t.Errorf("killed at sync %d: %s", at, wrong[0])
				}
				chosen := uint64(time.Now().UnixNano())
				if err := cutPower(t.Context(), tr, chooseCuts(tr, *points/100, chosen), t.ArtifactDir()); err != nil {
					t.Errorf("killed at sync %d, seed %d: %v", at, chosen, err)
				}
				if _, wrong := unsyncedAcknowledgements(tr.withoutSyncAtOpening()); len(wrong) > 0 {
					windows++
				}
				if tr.acknowledgedBefore(tr.second) == writes {
					break // it was not killed before it had done everything
				}
				kills++
			}
			if windows == 0 {
				t.Error("no kill has left a transaction that the next process finds without being synced: this test can find nothing")
			}
			t.Logf("after %d of %d kills the next process would have acknowledged too early if it did not sync when it opens", windows, kills)
		})
	}
}

// withoutSyncAtOpening is a trace in which the second child syncs the WAL only when
// it has written to it.
func (tr *trace) withoutSyncAtOpening() *trace {
	written := tr.second
	for written < len(tr.steps) && (tr.steps[written].name != "pwrite64" || tr.steps[written].path != tr.wal()) {
		written++
	}
	return tr.without(func(i int, s step) bool { return i >= tr.second && i < written && s.path == tr.wal() })
}

// acknowledgedBefore is how many writes were acknowledged before a step.
func (tr *trace) acknowledgedBefore(position int) (n int) {
	for _, s := range tr.steps[:position] {
		if s.acknowledges != nil && s.begins {
			n++
		}
	}
	return n
}
