// Package testkit is what the drivers' own tests share: beside the conformance
// suite each tests what its engine does when it fails, and makes sure of the same
// things.
package testkit

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen at some time. It only
// decides how soon a failing test gives up.
const Patience = 30 * time.Second

// Check ends the test with an error.
func Check(tb testing.TB, err error) {
	if err != nil {
		tb.Helper()
		tb.Fatal(err)
	}
}

// Must returns what gives a value, or ends the test with the error.
func Must[T any](value T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		Check(tb, err)
		return value
	}
}

// Within runs f and ends the test when it does not come back.
func Within(tb testing.TB, what string, f func()) {
	tb.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	WaitFor(tb, what, done)
}

// WaitFor waits until a channel is closed.
func WaitFor(tb testing.TB, what string, done <-chan struct{}) {
	tb.Helper()
	select {
	case <-done:
	case <-time.After(Patience):
		tb.Fatalf("%s has not come to an end in %v", what, Patience)
	}
}

// Await asks again and again until something is true.
func Await(tb testing.TB, what string, isTrue func() bool) {
	tb.Helper()
	for begin := time.Now(); !isTrue(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > Patience {
			tb.Fatalf("waited %v in vain: %s", Patience, what)
		}
	}
}

// WantError checks an error's kind, which is nil for any, and that its text has one
// line and says certain things.
func WantError(tb testing.TB, what string, err, kind error, words ...string) {
	tb.Helper()
	switch {
	case err == nil:
		tb.Errorf("%s: there is no error", what)
		return
	case kind != nil && !errors.Is(err, kind):
		tb.Errorf("%s: the error is %v, want one that matches %q", what, err, kind)
		return
	case strings.ContainsAny(err.Error(), "\r\n"):
		tb.Errorf("%s: the error %q has several lines", what, err)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			tb.Errorf("%s: the error reads %q, want it to name %q", what, err, word)
		}
	}
}
