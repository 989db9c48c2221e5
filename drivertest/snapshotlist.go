package drivertest

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/enactdev/enact/driver"
)

var snapshotListChecks = []check{
	{rule: "S4", name: "listing", why: "a snapshot would be forgotten when old ones are cleared away, or another's be deleted", role: driver.RoleState, run: snapshotsAreListed},
	{rule: "S4", name: "listing-while-saving", why: "who clears snapshots away page by page would leave some", role: driver.RoleState, run: snapshotListingWhileTheyComeAndGo},
	{rule: "S4", name: "apart-from-keys", why: "a key that is named like an execution would overwrite its snapshot, or a snapshot show up as a key", role: driver.RoleState, run: snapshotsAreNotKeys},
	{rule: "S4", name: "listing-without-data", why: "listing a few snapshots would take as much memory as all of them have", role: driver.RoleState, alone: true, run: snapshotListingLoadsNoData},
}

// snapshotsAreListed saves one for each nasty execution and deletes some.
func snapshotsAreListed(t *trial) {
	lists(t, "the snapshots of a new store", t.State.ListSnapshots, nil)
	all := make([]driver.Snapshot, len(nastyIDs))
	for i, id := range slices.Backward(nastyIDs) {
		all[i] = taken(driver.ExecutionID(id), uint64(2+i), fmt.Sprint("of ", i))
		t.save(t.State, all[i])
	}
	for i := 0; i < len(all); i += 2 {
		t.save(t.State, taken(all[i].Execution, all[i].Sequence-1, "older"))
	}
	lists(t, "the snapshots", t.State.ListSnapshots, infosOfSnapshots(all))
	for _, s := range all {
		t.snapshotIs(t.State, "beside many that are called alike", s)
	}
	var left []driver.Snapshot
	for i, s := range all {
		if i%3 == 1 {
			t.deleteSnapshot(t.State, s.Execution)
		} else {
			left = append(left, s)
		}
	}
	lists(t, "the snapshots after some were deleted", t.State.ListSnapshots, infosOfSnapshots(left))
	for i, s := range all {
		if i%3 == 1 {
			t.noSnapshot(t.State, "after deletion", s.Execution)
		} else {
			t.snapshotIs(t.State, "after others were deleted", s)
		}
	}
}

func infosOfSnapshots(all []driver.Snapshot) []driver.SnapshotInfo {
	return idsOf(all, func(s driver.Snapshot) driver.SnapshotInfo { return s.SnapshotInfo })
}

func snapshotListingWhileTheyComeAndGo(t *trial) {
	name := func(i int, what string) driver.ExecutionID {
		return driver.ExecutionID(fmt.Sprintf("run %d %s", i, what))
	}
	for i := range 10 {
		t.save(t.State, taken(name(i, "goes"), 1, "x"))
		t.save(t.State, taken(name(i, "stays"), 1, "x"))
	}
	seen := map[driver.ExecutionID]int{}
	page := driver.Page{Limit: 3}
	for n := 0; ; n++ {
		items, next, err := t.State.ListSnapshots(t.ctx, page)
		t.ok("ListSnapshots", err)
		for _, info := range items {
			seen[info.Execution]++
			t.deleteSnapshot(t.State, name(int(info.Execution[4]-'0'), "goes"))
		}
		t.save(t.State, taken(name(n%10, "stays"), uint64(2+n), "newer"))
		t.save(t.State, taken(name(9-n%10, "stays"), uint64(2+n), "newer"))
		t.save(t.State, taken(name(n%10, "added"), 1, "x"))
		if next == "" {
			break
		}
		if n == 50 {
			t.fatal("ListSnapshots page by page", "51 pages of 3 and another cursor", "an end: there are at most 30 snapshots")
		}
		page.Cursor = next
	}
	for i := range 10 {
		if id := name(i, "stays"); seen[id] != 1 {
			t.fatal("ListSnapshots page by page while snapshots come and go", fmt.Sprintf("execution %q %d times", id, seen[id]), "once: its snapshot was there all the time")
		}
	}
	for id, times := range seen {
		if times > 1 {
			t.fatal("ListSnapshots page by page while snapshots come and go", fmt.Sprintf("execution %q %d times", id, times), "each at most once")
		}
	}
}

func snapshotsAreNotKeys(t *trial) {
	names := []string{"run", "snapshot", "snapshot:run", "snapshots/run", "state"}
	versions := map[string]uint64{}
	var infos []driver.SnapshotInfo
	for i, name := range names {
		versions[name] = t.set(t.State, name, "value of "+name)
		s := taken(driver.ExecutionID(name), uint64(9-i), "state of "+name)
		t.save(t.State, s)
		infos = append(infos, s.SnapshotInfo)
	}
	for _, id := range []driver.ExecutionID{"only a snapshot", "snapshot/x"} {
		s := taken(id, 4, "state of "+string(id))
		t.save(t.State, s)
		infos = append(infos, s.SnapshotInfo)
		t.keysAbsent(t.State, "which is an execution with a snapshot", string(id))
	}
	version := t.set(t.State, "only a key", "x")
	t.noSnapshot(t.State, "that is a key", "only a key")
	t.deleteSnapshot(t.State, "only a key")
	t.deleteKey(t.State, "only a snapshot")
	slices.SortFunc(infos, func(a, b driver.SnapshotInfo) int { return cmp.Compare(a.Execution, b.Execution) })
	lists(t, "the snapshots beside keys", t.State.ListSnapshots, infos)
	versions["only a key"] = version
	keys := append([]string{"only a key"}, names...)
	slices.Sort(keys)
	lists(t, "the keys beside snapshots", keysOf(t.State, ""), infosOf(keys, versions))
	for i, name := range names {
		if i%2 == 0 {
			t.deleteKey(t.State, name)
			t.snapshotIs(t.State, "after the key of this name was deleted", taken(driver.ExecutionID(name), uint64(9-i), "state of "+name))
			t.deleteSnapshot(t.State, driver.ExecutionID(name))
		} else {
			t.deleteSnapshot(t.State, driver.ExecutionID(name))
			t.keyHolds(t.State, name, "value of "+name, versions[name])
			t.deleteKey(t.State, name)
		}
	}
	lists(t, "the keys that are left", keysOf(t.State, ""), infosOf([]string{"only a key"}, versions))
	listsIDs(t, "the snapshots that are left", t.State.ListSnapshots, snapshotExecution, "only a snapshot", "snapshot/x")
}

func snapshotListingLoadsNoData(t *trial) {
	data := t.patterned(3 << 20)
	for i := range 4 {
		s := taken(driver.ExecutionID(fmt.Sprint("run ", i)), 1, "x")
		s.Data = data
		t.save(t.State, s)
	}
	t.allocatesLess("ListSnapshots of 4 snapshots with 3 MiB each", 3<<20, func() {
		items, _, err := t.State.ListSnapshots(t.ctx, driver.Page{Limit: 4})
		t.ok("ListSnapshots", err)
		equal(t, "the number of snapshots", len(items), 4)
	})
}
