package drivertest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/enactdev/enact/driver"
)

var snapshotChecks = slices.Concat(snapshotOrderChecks, snapshotListChecks)

var snapshotOrderChecks = []check{
	{rule: "S4", name: "highest-stays", why: "a slow worker's old snapshot would replace a newer one, or a newer one be refused", role: driver.RoleState, run: highestSnapshotStays},
	{rule: "S4", name: "highest-wins-a-race", why: "of two workers that save at once the older snapshot would stay", role: driver.RoleState, run: highestSnapshotWinsARace},
	{rule: "S4", name: "whole", why: "the data of one snapshot would be taken for the state at the sequence of another", role: driver.RoleState, run: snapshotsAreWhole},
	{rule: "S4", name: "faithful", why: "a snapshot could not be read, or not be matched with the log", role: driver.RoleState, run: snapshotsComeBack},
	{rule: "S4", name: "large", why: "the state of a long run would be cut or refused on this driver only", role: driver.RoleState, run: largeSnapshotComesBack},
	{rule: "S4", name: "reopened", why: "a clean restart would lose snapshots, or forget which is the highest", role: driver.RoleState, needs: needsRestart, run: snapshotsSurviveReopening},
}

// taken is a snapshot with a time of its own.
func taken(execution driver.ExecutionID, sequence uint64, data string) driver.Snapshot {
	s := snapshot(string(execution), sequence, data)
	s.Time = time.Date(2024, 5, 6, 7, 8, 9, 123_000, time.UTC).Add(time.Duration(hash(data)%1e9) * time.Microsecond)
	return s
}

// snapshotIs ends the check unless want is what an execution has.
func (t *trial) snapshotIs(s driver.StateStore, when string, want driver.Snapshot) {
	got, err := s.LoadSnapshot(t.ctx, want.Execution)
	t.ok(fmt.Sprintf("LoadSnapshot of execution %q %s", want.Execution, when), err)
	got.Data, want.Data = notNil(got.Data), notNil(want.Data)
	equal(t, fmt.Sprintf("LoadSnapshot of execution %q %s", want.Execution, when), got, want)
}

// noSnapshot ends the check if an execution has one.
func (t *trial) noSnapshot(s driver.StateStore, when string, executions ...driver.ExecutionID) {
	for _, id := range executions {
		_, err := s.LoadSnapshot(t.ctx, id)
		t.fails(fmt.Sprintf("LoadSnapshot of execution %q %s", id, when), err, driver.ErrNotFound)
	}
}

// deleteSnapshot deletes a snapshot, which must not fail.
func (t *trial) deleteSnapshot(s driver.StateStore, id driver.ExecutionID) {
	t.ok(fmt.Sprintf("DeleteSnapshot of execution %q", id), s.DeleteSnapshot(t.ctx, id))
}

func highestSnapshotStays(t *trial) {
	states := t.twoStates()
	t.noSnapshot(t.State, "in a new store", "run", "key")
	t.deleteSnapshot(t.State, "run")
	other := taken("Run", 3, "of another execution")
	t.save(t.State, other)
	// 9 and 10 are the other way round as text, and the large ones are equal as
	// floating-point numbers.
	sequences := []uint64{5, 4, 1, 5, 5, 6, 9, 10, 9, 2, 100, 99, 100, 101, 1 << 31, 1<<31 - 1, 1 << 32, 1<<32 + 1, 1<<32 - 1, 7,
		1<<53 + 1, 1 << 53, 1<<53 + 1, 1<<53 + 2, 1 << 62, 1<<62 - 1, 1<<63 - 1, 1<<63 - 2, 1<<63 - 1}
	var kept driver.Snapshot
	for i, sequence := range sequences {
		s := taken("run", sequence, fmt.Sprint("save ", i))
		t.save(states[i%2], s)
		if sequence >= kept.Sequence {
			kept = s
		}
		for _, state := range states {
			t.snapshotIs(state, fmt.Sprintf("after it was saved at %v", sequences[:i+1]), kept)
		}
		lists(t, "the snapshots", states[1-i%2].ListSnapshots, []driver.SnapshotInfo{other.SnapshotInfo, kept.SnapshotInfo})
	}
	for _, sequence := range []uint64{2, 1, 3} {
		t.deleteSnapshot(states[0], "run")
		t.noSnapshot(states[1], "after deletion", "run")
		lists(t, "the snapshots", states[1].ListSnapshots, []driver.SnapshotInfo{other.SnapshotInfo})
		t.deleteSnapshot(states[1], "run")
		s := taken("run", sequence, fmt.Sprint("after deletion, at ", sequence))
		t.save(states[1], s)
		t.snapshotIs(states[0], "that was saved after a higher one was deleted", s)
	}
	t.snapshotIs(t.State, "beside one that was saved and deleted", other)
}

func highestSnapshotWinsARace(t *trial) {
	const savers = 6
	states := t.twoStates()
	for round := range t.rounds(15, 60) {
		first := uint64(1 + 3*round) // the lowest are older than what is there
		order := t.rand.Perm(savers)
		t.together(savers, func(w int) {
			s := taken("run", first+uint64(order[w]), fmt.Sprint(round, " ", order[w]))
			if err := states[w%2].SaveSnapshot(t.shaken(), s); err != nil {
				t.fatal(fmt.Sprintf("SaveSnapshot at %d while others save", s.Sequence), err, "no error")
			}
		})
		// Of two with the same sequence the last replaces; the highest is new.
		highest := taken("run", first+savers-1, fmt.Sprint(round, " ", savers-1))
		for _, s := range states {
			t.snapshotIs(s, fmt.Sprintf("after sequences %d to %d were saved at once", first, highest.Sequence), highest)
		}
	}
}

// snapshotsAreWhole reads while snapshots are saved: what is there is one of them,
// and never goes back.
func snapshotsAreWhole(t *trial) {
	const savers = 3
	states := t.twoStates()
	like := func(sequence uint64) driver.Snapshot {
		return taken("run", sequence, fmt.Sprint("state at ", sequence))
	}
	t.save(t.State, like(1))
	for round := range t.rounds(8, 30) {
		base := uint64(2 + round*2*savers)
		t.together(2*savers, func(w int) {
			if w < savers {
				for i := range 2 {
					if err := states[w%2].SaveSnapshot(t.shaken(), like(base+uint64(2*w+i))); err != nil {
						t.fatal("SaveSnapshot", err, "no error")
					}
				}
				return
			}
			last := base - 1
			for range 4 {
				got, err := states[w%2].LoadSnapshot(t.shaken(), "run")
				t.ok("LoadSnapshot while others save", err)
				equal(t, "LoadSnapshot while others save", got, like(got.Sequence))
				list, _, err := states[w%2].ListSnapshots(t.shaken(), driver.Page{Limit: 2})
				t.ok("ListSnapshots while others save", err)
				if len(list) != 1 {
					t.fatal("ListSnapshots while others save", list, "the one snapshot, which is always there")
				}
				equal(t, "ListSnapshots while others save", list[0], like(list[0].Sequence).SnapshotInfo)
				if got.Sequence < last || list[0].Sequence < got.Sequence {
					t.fatal("looking at a snapshot again and again", fmt.Sprintf("sequences %d, %d and %d", last, got.Sequence, list[0].Sequence), "none lower than the one before")
				}
				last = list[0].Sequence
			}
		})
	}
}

func snapshotsComeBack(t *trial) {
	times := []time.Time{
		time.Date(1, 2, 3, 4, 5, 6, 7_000, time.UTC), time.Date(1601, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Unix(0, 0).UTC(), time.Date(2024, 2, 29, 1, 2, 3, 1_000, time.UTC), time.Date(2038, 1, 19, 3, 14, 8, 500_000_000, time.UTC),
		time.Date(2263, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
	}
	var want []driver.Snapshot
	for i, name := range slices.Sorted(maps.Keys(nastyBytes)) {
		s := driver.Snapshot{SnapshotInfo: driver.SnapshotInfo{Execution: driver.ExecutionID(name), Sequence: uint64(i + 1), Time: times[i%len(times)]}, Data: nastyBytes[name]}
		t.save(t.State, taken(s.Execution, s.Sequence, "what was there before, and is rather longer than some others"))
		t.save(t.State, s)
		want = append(want, s)
	}
	states := t.twoStates()
	for _, s := range want {
		t.snapshotIs(states[0], "", s)
		t.snapshotIs(states[1], "through another handle", s)
	}
	infos := idsOf(want, func(s driver.Snapshot) driver.SnapshotInfo { return s.SnapshotInfo })
	lists(t, "the snapshots", states[1].ListSnapshots, infos)
}

func largeSnapshotComesBack(t *trial) {
	large := taken("run", 7, "large")
	large.Data = t.patterned(16<<20 + 1)
	t.save(t.State, large)
	got, err := t.State.LoadSnapshot(t.ctx, "run")
	t.ok("LoadSnapshot", err)
	equalLarge(t, "LoadSnapshot of a large snapshot", got.Data, large.Data)
	equal(t, "LoadSnapshot of a large snapshot", got.SnapshotInfo, large.SnapshotInfo)
	small := taken("run", 7, "small")
	t.save(t.State, small)
	t.snapshotIs(t.State, "after a small one has replaced a large one", small)
}

func snapshotsSurviveReopening(t *trial) {
	kept, deleted := taken("kept", 5, "at 5"), taken("deleted", 9, "at 9")
	t.save(t.State, taken("kept", 3, "at 3"))
	t.save(t.State, kept)
	t.save(t.State, deleted)
	t.deleteSnapshot(t.State, "deleted")
	t.reopen()
	t.snapshotIs(t.State, "after reopening", kept)
	t.noSnapshot(t.State, "that was deleted before reopening", "deleted")
	t.save(t.State, taken("kept", 4, "at 4"))
	t.snapshotIs(t.State, "after an older one was saved after reopening", kept)
	replaced := taken("kept", 5, "at 5 again")
	t.save(t.State, replaced)
	lower := taken("deleted", 2, "at 2")
	t.save(t.State, lower)
	t.reopen()
	t.snapshotIs(t.State, "that was replaced before reopening", replaced)
	t.snapshotIs(t.State, "that was saved after deletion", lower)
	lists(t, "the snapshots after reopening", t.State.ListSnapshots, []driver.SnapshotInfo{lower.SnapshotInfo, replaced.SnapshotInfo})
}
