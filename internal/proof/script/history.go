package script

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/enactdev/enact"
)

// longAgo is a time that is stated, and so comes back.
var longAgo = time.Date(2001, 2, 3, 4, 5, 6, 7000, time.UTC)

// Append appends an event with this ID, whose type and payload are text, too.
// Expected is the last sequence that is stated; negative: none.
func Append(run, id, text string, expected int) Step {
	expect := enact.ExpectAny()
	if expected >= 0 {
		expect = enact.ExpectLast(uint64(expected))
	}
	return Step{needs: events, Doing: fmt.Sprintf("append event %q with %q to %q, expecting %d", id, text, run, expected), do: func(p *Player) (string, error) {
		last, err := p.Tenant.Events.Append(p.Context, enact.ExecutionID(run), expect, enact.Identified{ID: enact.EventID(id), Time: longAgo, Data: enact.Custom{Type: text, Data: []byte(text)}})
		return fmt.Sprint(last), err
	}}
}

// Begin appends a typed event that sets a variable.
func Begin(run, variable string) Step {
	return Step{needs: events, Doing: fmt.Sprintf("begin %q with the variable %q", run, variable), do: func(p *Player) (string, error) {
		value, _ := json.Marshal(variable)
		last, err := p.Tenant.Events.Append(p.Context, enact.ExecutionID(run), enact.ExpectAny(),
			enact.Identified{ID: "begin", Time: longAgo, Data: enact.ExecutionStarted{Parent: enact.ExecutionID(variable), Metadata: map[string]json.RawMessage{variable: value}}})
		return fmt.Sprint(last), err
	}}
}

// Load reads a history.
func Load(run string) Step {
	return Step{needs: events, Doing: fmt.Sprintf("load %q", run), do: func(p *Player) (string, error) {
		var all []string
		for e, err := range p.Tenant.Events.LoadRaw(p.Context, enact.ExecutionID(run), 0) {
			if err != nil {
				return "", err
			}
			all = append(all, fmt.Sprintf("%d %q %q %q %v", e.Sequence, e.ID, e.Type, e.Payload, e.Time))
		}
		last, err := p.Tenant.Events.LatestSequence(p.Context, enact.ExecutionID(run))
		return fmt.Sprintf("%s; last %d", strings.Join(all, "; "), last), err
	}}
}

// Rehydrate folds a history and saves the state.
func Rehydrate(run string, save bool) Step {
	return Step{needs: eventsAndState, Doing: fmt.Sprintf("rehydrate %q, and save it: %t", run, save), do: func(p *Player) (string, error) {
		s, err := p.Tenant.Rehydrate(p.Context, enact.ExecutionID(run))
		if err == nil && save && s.Sequence > 0 {
			err = p.Tenant.State.SaveSnapshot(p.Context, s)
		}
		return showSnapshot(s), err
	}}
}

// LoadSnapshot reads a snapshot as it was saved.
func LoadSnapshot(run string) Step {
	return Step{needs: state, Doing: fmt.Sprintf("load the snapshot of %q", run), do: func(p *Player) (string, error) {
		s, err := p.Tenant.State.LoadSnapshot(p.Context, enact.ExecutionID(run))
		return showSnapshot(s), err
	}}
}

// DeleteSnapshot removes a snapshot.
func DeleteSnapshot(run string) Step {
	return Step{needs: state, Doing: fmt.Sprintf("delete the snapshot of %q", run), do: func(p *Player) (string, error) {
		return errOnly(p.Tenant.State.DeleteSnapshot(p.Context, enact.ExecutionID(run)))
	}}
}

// ListExecutions lists executions.
func ListExecutions(limit int) Step {
	return Step{needs: events, Doing: fmt.Sprintf("list executions by %d", limit), do: func(p *Player) (string, error) {
		return listed(p, limit, p.Tenant.Events.ListExecutions, func(i enact.ExecutionInfo) string { return fmt.Sprintf("%q %d", i.ID, i.LastSequence) })
	}}
}

// ListSnapshots lists snapshots.
func ListSnapshots(limit int) Step {
	return Step{needs: state, Doing: fmt.Sprintf("list snapshots by %d", limit), do: func(p *Player) (string, error) {
		return listed(p, limit, p.Tenant.State.ListSnapshots, func(i enact.SnapshotInfo) string { return fmt.Sprintf("%q %d", i.Execution, i.Sequence) })
	}}
}

func showSnapshot(s enact.Snapshot) string {
	return fmt.Sprintf("%q of %q, %s, %q, at %d %q %v", s.Execution, s.Tenant, s.State, s.Variables, s.Sequence, s.LastEvent, s.Time)
}
