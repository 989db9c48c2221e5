package client

import (
	"context"
	"time"

	"github.com/enactdev/enact"
)

// Local makes calls in this process.
type Local struct{ Runtime *enact.Runtime }

// Call implements Client.
func (l Local) Call(call Call, timeout time.Duration) Outcome {
	return do(l.Runtime, call, timeout)
}

func do(rt *enact.Runtime, call Call, timeout time.Duration) Outcome {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	value, err := call.Do(ctx, rt)
	if err != nil {
		return Outcome{Err: FailureOf(err)}
	}
	return Outcome{Value: value}
}
