package main

import (
	"io"
	"strings"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	o, err := parse([]string{"-for", "2m", "-seed", "7", "-stores", "redis,sqlite", "-faults", "cut,kill"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if want := "go run ./internal/soak -for 2m0s -seed 7 -stores redis,sqlite -faults cut,kill"; o.command() != want || o.length != 2*time.Minute {
		t.Errorf("the command is %q, want %q", o.command(), want)
	}
	if o, err = parse([]string{"-faults", "none"}, io.Discard); err != nil || len(o.faults) != 0 || len(o.kinds) == 0 || !strings.HasSuffix(o.command(), "-faults none") {
		t.Errorf("without faults the options are %+v, %v", o, err)
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for _, args := range []string{"-stores oracle", "-stores ", "-faults flood", "-for 0s", "-for soon", "more", "-unknown"} {
		if _, err := parse(strings.Split(args, " "), io.Discard); err == nil {
			t.Errorf("soak %s is not refused", args)
		}
	}
}
