package script

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/enactdev/enact"
)

// colliding are identifiers that are one to who joins, folds, trims, cuts or
// normalises them.
var colliding = []string{
	"a", "A", "a ", "b", "a/b", "b/c", "c", "b:c", "a:b", "\x1fb", "b\x1fc", "%", "a%2Fb", "é", "e\u0301", "{a}", "b}{c", "'", "\u0430", "..", "01", "1",
	strings.Repeat("t", 255), strings.Repeat("t", 254), "t",
}

// Random returns steps of all roles. Few identifiers are used, so that the steps meet
// one another's traces.
func Random(r *rand.Rand, n int) []Step {
	steps := make([]Step, n)
	for i := range steps {
		steps[i] = randomStep(r)
	}
	return steps
}

func randomStep(r *rand.Rand) Step {
	id := func() string { return colliding[r.IntN(len(colliding))] }
	maybe := func() bool { return r.IntN(2) == 0 }
	user := []string{"u", "U"}[r.IntN(2)]
	text, limit := fmt.Sprint("text ", r.IntN(1000)), 1+r.IntN(9)
	when, ttl := Condition(r.IntN(4)), []time.Duration{0, 0, time.Hour}[r.IntN(3)]
	switch r.IntN(36) {
	case 0, 1:
		return Append(id(), id(), id(), -1)
	case 2:
		return Append(id(), id(), text, r.IntN(4))
	case 3:
		return Begin(id(), id())
	case 4:
		return Load(id())
	case 5:
		return Rehydrate(id(), true)
	case 6:
		return LoadSnapshot(id())
	case 7:
		return DeleteSnapshot(id())
	case 8:
		return ListExecutions(limit)
	case 9:
		return ListSnapshots(limit)
	case 10, 11:
		return Set(id(), text, ttl, when)
	case 12:
		return Get(id())
	case 13:
		return Delete(id(), when)
	case 14:
		return ListKeys([]string{"", "a", "b", "%", "t", id()}[r.IntN(6)], limit)
	case 15, 16:
		return CreateThread(id(), user, id())
	case 17:
		return UpdateThread(id(), text, r.IntN(4) == 0)
	case 18:
		return GetThread(id(), maybe())
	case 19:
		if r.IntN(4) == 0 {
			return DeleteThread(id())
		}
		return ListThreads(user, maybe(), limit)
	case 20, 21, 22:
		return CreateMessage(id(), id(), []string{"", id()}[r.IntN(2)], []string{"", "run", id()}[r.IntN(3)], id())
	case 23:
		return UpdateMessage(id(), text, r.IntN(4) == 0)
	case 24:
		return GetMessage(id(), maybe())
	case 25:
		if r.IntN(3) == 0 {
			return DeleteMessage(id())
		}
		return ListMessages(id(), "", maybe(), maybe(), limit)
	case 26:
		return ListMessages("", []string{"run", id()}[r.IntN(2)], maybe(), maybe(), limit)
	}
	return randomVectorStep(r, id, limit)
}

func randomVectorStep(r *rand.Rand, id func() string, limit int) Step {
	collection := colliding[r.IntN(6)]
	switch r.IntN(9) {
	case 0:
		return EnsureCollection(collection)
	case 1, 2, 3:
		return Upsert(collection, id(), id())
	case 4:
		return GetDocument(collection, id())
	case 5:
		return DeleteDocument(collection, id())
	case 6:
		if r.IntN(6) == 0 {
			return DeleteCollection(collection)
		}
		return ListCollections(limit)
	case 7:
		return Search(collection, "all", enact.Filter{})
	}
	searches := Searches(collection, []string{"text", id()}[r.IntN(2)], id())
	return searches[r.IntN(len(searches))]
}

// Inventory asks for all that Random may have left.
func Inventory() (steps []Step) {
	for _, id := range colliding {
		steps = append(steps, Load(id), Get(id), LoadSnapshot(id), GetThread(id, true), ListMessages(id, "", false, true, 100), GetMessage(id, true), ListMessages("", id, false, true, 100))
	}
	for _, collection := range colliding[:6] {
		steps = append(steps, Search(collection, "all", enact.Filter{}))
	}
	return append(steps, ListExecutions(100), ListSnapshots(100), ListKeys("", 100), ListThreads("u", true, 100), ListThreads("U", true, 100), ListCollections(100))
}
