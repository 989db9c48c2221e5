package main

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fixed is a contender that writes down its turn and finds what it is given, round
// by round.
func fixed(name string, turns *[]string, found ...float64) contender {
	round := 0
	return contender{name, func(context.Context) (figures, error) {
		*turns = append(*turns, name)
		round++
		return figures{perSecond: found[round-1]}, nil
	}}
}

func TestContendersTakeTurns(t *testing.T) {
	var turns []string
	rows, err := hold(t.Context(), contest{
		point: 7, same: "the same",
		contenders: []contender{fixed("a", &turns, 1000, 10, 20, 30), fixed("b", &turns, 1, 5, 20, 60), fixed("c", &turns, 0, 7, 8, 9)},
		verdicts: []verdict{
			{what: "a against b", unit: perSecond, ours: "a", other: "b", goal: atLeast(0.9)},
			{what: "b against a", unit: perSecond, ours: "b", other: "a", goal: atMost(0.9)},
			{what: "c", unit: perSecond, ours: "c"},
		},
	}, 3)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(turns, " "), "a b c a b c a b c a b c"; got != want {
		t.Errorf("the contenders' turns are %s, want %s", got, want)
	}
	// The first round warms up: neither 1000 nor 1 may appear.
	first := rows[0]
	if first.Ours != (side{"a", 20}) || *first.Other != (side{"b", 20}) || *first.Ratio != (spread{1, 0.5, 2}) || !*first.Reached || first.Rounds != 3 || first.Point != 7 || first.Same != "the same" {
		t.Errorf("a against b is %+v", first)
	}
	if second := rows[1]; *second.Reached || second.Ratio.Median != 1 {
		t.Errorf("b against a is %+v, want 1 and not reached", second)
	}
	if third := rows[2]; third.Ours.Value != 8 || third.Other != nil || third.Reached != nil {
		t.Errorf("c by itself is %+v, want 8 and no judgement", third)
	}
}

func TestContestEndsWithAnError(t *testing.T) {
	broken := errors.New("broken")
	var turns []string
	c := contest{point: 3, contenders: []contender{{"a", func(context.Context) (figures, error) { return nil, broken }}, fixed("b", &turns, 1)}}
	_, err := hold(t.Context(), c, 1)
	if !errors.Is(err, broken) || !strings.Contains(err.Error(), "point 3") || !strings.Contains(err.Error(), "a: ") {
		t.Errorf("the error is %v, want one that names point, contender and cause", err)
	}
	if len(turns) > 0 {
		t.Error("another contender had its turn after an error")
	}
}

func TestLoadCountsOperations(t *testing.T) {
	const goroutines, pause = 3, 2 * time.Millisecond
	var calls [goroutines]atomic.Int64
	l := load{goroutines, 50 * time.Millisecond}
	begin := time.Now()
	found, err := l.run(t.Context(), func(_ context.Context, g int) (int, error) {
		calls[g].Add(1)
		time.Sleep(pause)
		return 10, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for g := range calls {
		if calls[g].Load() == 0 {
			t.Errorf("goroutine %d has called nothing", g)
		}
		total += calls[g].Load()
	}
	// The rate counts what every call says it was, over no more than the time that
	// has passed here.
	if least := float64(10*total) / time.Since(begin).Seconds(); found[perSecond] < least || found[perSecond] > float64(10*total)/l.duration.Seconds() {
		t.Errorf("%d calls of 10 operations are %v a second, want at least %v", total, found[perSecond], least)
	}
	if found[typicalTime] < 2000 || found[slowTime] < 2 || found[slowTime]*1e3 < found[typicalTime] {
		t.Errorf("calls of %v take %v µs, the slow ones %v ms", pause, found[typicalTime], found[slowTime])
	}
}

func TestLoadEndsWithAnError(t *testing.T) {
	broken := errors.New("broken")
	_, err := load{4, time.Hour}.run(t.Context(), func(ctx context.Context, g int) (int, error) {
		if g == 2 {
			return 0, broken
		}
		<-ctx.Done()
		return 0, ctx.Err()
	})
	if !errors.Is(err, broken) {
		t.Errorf("the error is %v, want %v", err, broken)
	}
}
