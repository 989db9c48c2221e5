package main

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is a number of goroutines that call something again and again for a while.
type load struct {
	goroutines int
	duration   time.Duration
}

// run calls f until the time is over. f is told which goroutine calls and returns
// how many operations the call was.
func (l load) run(ctx context.Context, f func(ctx context.Context, goroutine int) (operations int, err error)) (figures, error) {
	counts := make([]int, l.goroutines)
	times := make([][]time.Duration, l.goroutines)
	group, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for g := range l.goroutines {
		group.Go(func() error {
			for now := begin; now.Sub(begin) < l.duration; {
				n, err := f(ctx, g)
				if err != nil {
					return err
				}
				then := now
				now = time.Now()
				counts[g] += n
				times[g] = append(times[g], now.Sub(then))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	elapsed := time.Since(begin)
	operations := 0
	for _, n := range counts {
		operations += n
	}
	all := slices.Concat(times...)
	slices.Sort(all)
	return figures{
		perSecond:   float64(operations) / elapsed.Seconds(),
		typicalTime: float64(quantile(all, 0.5).Nanoseconds()) / 1e3,
		slowTime:    quantile(all, 0.99).Seconds() * 1e3,
	}, nil
}

// each makes a contender of a call that counts as one operation.
func (l load) each(name string, f func(ctx context.Context, goroutine int) error) contender {
	return l.several(name, 1, f)
}

// several makes a contender of a call that counts as several operations.
func (l load) several(name string, operations int, f func(ctx context.Context, goroutine int) error) contender {
	return contender{name, func(ctx context.Context) (figures, error) {
		return l.run(ctx, func(ctx context.Context, g int) (int, error) { return operations, f(ctx, g) })
	}}
}

// timed makes a contender that measures how long one call takes.
func timed(name string, f func(context.Context) error) contender {
	return contender{name, func(ctx context.Context) (figures, error) {
		begin := time.Now()
		err := f(ctx)
		return figures{milliCall: time.Since(begin).Seconds() * 1e3}, err
	}}
}
