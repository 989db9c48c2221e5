package durability

import (
	"slices"
	"testing"
	"time"
)

// TestFailedSync makes each sync of a process fail, once. Nothing is acknowledged
// before it has been written again and synced, since a sync that is only repeated
// says nothing about what the failed one has lost.
func TestFailedSync(t *testing.T) {
	for _, name := range []string{"large", "messages"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found := 0
			for at := 1; ; at++ {
				tr := traceOf(t, func() (*trace, error) {
					return record(order{Only: name, Until: []int{4, 8}, FailedSync: at})
				})
				failed := slices.IndexFunc(tr.steps, func(s step) bool { return s.syncs() && s.failed && !s.begins })
				if failed < 0 {
					t.Logf("%d syncs have failed", at-1)
					break
				}
				if _, wrong := unsyncedAcknowledgements(tr); len(wrong) > 0 {
					t.Errorf("sync %d has failed: %s", at, wrong[0])
				}
				chosen := uint64(time.Now().UnixNano())
				if err := cutPower(t.Context(), tr, chooseCuts(tr, *points/100, chosen), t.ArtifactDir()); err != nil {
					t.Errorf("sync %d has failed, seed %d: %v", at, chosen, err)
				}
				if _, wrong := unsyncedAcknowledgements(tr.withoutNextSync(failed)); len(wrong) > 0 {
					found++
				}
			}
			if found == 0 {
				t.Error("no acknowledgement depends on what follows a sync that has failed: this test can find nothing")
			}
		})
	}
}

// withoutNextSync is a trace without the sync of the WAL that follows a position.
func (tr *trace) withoutNextSync(position int) *trace {
	var next *call
	return tr.without(func(i int, s step) bool {
		if next == nil && i > position && s.path == tr.wal() {
			next = s.call
		}
		return s.call == next
	})
}
