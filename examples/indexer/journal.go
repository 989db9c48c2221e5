package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/enactdev/enact"
)

// journal appends to the log of one execution.
//
// Every event has an ID of its own and says the same in every attempt, so a
// process that goes on after a crash just appends again what it is not sure of:
// what is already there is found by its IDs, and what is not is appended now.
// Every append also states the last sequence that this process knows of, so of
// two processes that run one execution at the same time only one goes on.
type journal struct {
	events    *enact.EventStore
	execution enact.ExecutionID
	last      uint64
}

// errDiffers: the log has an event of an earlier attempt which says something
// else than this one. As all input is read from files, a file has changed.
var errDiffers = errors.New("the file has changed since an earlier attempt")

// append is one batch: it is in the log whole or not at all.
func (j *journal) append(ctx context.Context, events ...enact.EventData) error {
	last, err := j.events.Append(ctx, j.execution, enact.ExpectLast(j.last), events...)
	var conflict *enact.ConflictError
	switch {
	case err == nil:
		// What was there already has a sequence that lies behind.
		j.last = max(j.last, last)
		return nil
	case errors.As(err, &conflict) && conflict.Event != "" && conflict.Actual == j.last:
		return errDiffers
	case errors.As(err, &conflict):
		return fmt.Errorf("%w: another process is running execution %q, whose log ends at %d now and not at %d; let it finish, or end it and run this command again",
			enact.ErrConflict, j.execution, conflict.Actual, j.last)
	}
	return fmt.Errorf("append to the log: %w; run this command again to go on", err)
}

// object is a JSON object in an event.
type object map[string]any

// raw is v as JSON; v is made of objects, strings and numbers.
func raw(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}
