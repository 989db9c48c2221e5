package client

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/enactdev/enact"
)

// workerVariable makes this program a worker of a soak.
const workerVariable = "ENACT_SOAK_WORKER"

// Play makes this process a worker and ends it, if it was started as one.
func Play() {
	if os.Getenv(workerVariable) == "" {
		return
	}
	// An interrupt at the keyboard is for the soak, which ends its workers.
	signal.Ignore(os.Interrupt)
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// How long a worker tries to open its stores, once and again and again while they are
// not available, and to close them.
const (
	oneOpening  = 10 * time.Second
	allOpenings = 2 * time.Minute
	closing     = 15 * time.Second
)

// Open opens stores, if need be again and again while they are not available: their
// server may be down for a moment.
func Open(ctx context.Context, c enact.Config) (*enact.Runtime, error) {
	ctx, cancel := context.WithTimeout(ctx, allOpenings)
	defer cancel()
	for {
		once, cancel := context.WithTimeout(ctx, oneOpening)
		rt, err := enact.Open(once, c)
		cancel()
		if err == nil || ctx.Err() != nil {
			return rt, err
		}
		if !errors.Is(err, enact.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
			return nil, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// serve makes the calls that come in until there are no more.
func serve(in io.Reader, out io.Writer) error {
	requests, answers := gob.NewDecoder(in), newSender(out)
	var s stores
	if err := requests.Decode(&s); err != nil {
		return err
	}
	rt, err := Open(context.Background(), s.config())
	if err := errors.Join(err, answers.send(answer{Outcome: Outcome{Err: FailureOf(err)}})); err != nil {
		return err
	}
	var calls sync.WaitGroup
	for {
		var r request
		if err := requests.Decode(&r); err != nil {
			calls.Wait()
			ctx, cancel := context.WithTimeout(context.Background(), closing)
			defer cancel()
			return rt.Shutdown(ctx)
		}
		calls.Go(func() {
			// If the soak is gone, the next request is not there either.
			answers.send(answer{r.ID, do(rt, r.Call, r.Timeout)})
		})
	}
}
