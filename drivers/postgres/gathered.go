package postgres

import (
	"cmp"
	"slices"

	"github.com/enactdev/enact/driver"
)

// gathered are appends that are stored together.
type gathered struct {
	appends []driver.Append
	// members are the appends by execution, so that all who append lock in the same
	// order, and those to the same one as they came.
	members    []member
	executions []gatheredExecution
	events     int
	// What there is at all.
	anyImplied, anyTime bool
	// contradictory: not all expectations can be right.
	contradictory bool

	// The memory for a single append.
	oneMember    [1]member
	oneExecution [1]gatheredExecution
}

// member is an append among others.
type member struct {
	append *driver.Append
	at     int   // its place among the appends
	owner  int32 // its execution, from 1
	offset int32 // how many events come before it to the same one
}

// gatheredExecution is one that is appended to.
type gatheredExecution struct {
	executionName
	hint    uint64
	stated  bool
	implied int64 // what the expectations say of the last sequence before, if stated
}

func (b *backend) gather(appends []driver.Append) *gathered {
	g := &gathered{appends: appends}
	g.members, g.executions = g.oneMember[:0], g.oneExecution[:0]
	if n := len(appends); n > 1 {
		g.members, g.executions = make([]member, 0, n), make([]gatheredExecution, 0, n)
	}
	for i := range appends {
		g.members = append(g.members, member{append: &appends[i], at: i})
	}
	if len(appends) > 1 {
		slices.SortStableFunc(g.members, func(m, n member) int {
			return cmp.Or(cmp.Compare(m.append.Tenant, n.append.Tenant), cmp.Compare(m.append.Execution, n.append.Execution))
		})
	}
	size := int32(0) // how many events the last execution has been given
	for i := range g.members {
		m := &g.members[i]
		name := executionName{string(m.append.Tenant), string(m.append.Execution)}
		if n := len(g.executions); n == 0 || g.executions[n-1].executionName != name {
			g.executions, size = append(g.executions, gatheredExecution{executionName: name, hint: b.lasts.of(name)}), 0
		}
		m.owner, m.offset = int32(len(g.executions)), size
		g.expect(&g.executions[m.owner-1], m.append.Expect, int64(size))
		for j := range m.append.Events {
			g.anyTime = g.anyTime || !m.append.Events[j].Time.IsZero()
		}
		size += int32(len(m.append.Events))
		g.events += len(m.append.Events)
	}
	return g
}

// expect notes what an expectation, of an append with so many events before it, says
// of the execution's last sequence.
func (g *gathered) expect(x *gatheredExecution, expect driver.Expectation, offset int64) {
	last, stated := expect.Last()
	if !stated {
		return
	}
	before := int64(min(last, maxSequence)) - offset
	g.contradictory = g.contradictory || before < 0 || (x.stated && x.implied != before)
	x.stated, x.implied, g.anyImplied = true, before, true
}

// eachEvent calls f with every event, whose it is and its place among those of the same
// execution, both from 1.
func (g *gathered) eachEvent(f func(keeper, place int32, e *driver.Event)) {
	for i := range g.members {
		m := &g.members[i]
		for j := range m.append.Events {
			f(m.owner, m.offset+int32(j)+1, &m.append.Events[j])
		}
	}
}
