package main

import "time"

// settings say how much is measured.
type settings struct {
	quick bool
	// rounds is how often each side is measured, sample for how long.
	rounds int
	sample time.Duration
	// events, executions and threads are how many there are in the larger store of
	// point 7; the smaller one has a tenth.
	events, executions, threads int
}

func settingsFor(quick bool) settings {
	if quick {
		return settings{quick: true, rounds: 3, sample: 150 * time.Millisecond, events: 100_000, executions: 10_000, threads: 10_000}
	}
	return settings{rounds: 5, sample: time.Second, events: 1_000_000, executions: 100_000, threads: 100_000}
}

// seed begins every sequence of random numbers.
const seed = 20_240_607

// payloadBytes is the size of an event, a state value and a step's output.
const payloadBytes = 256

// manyGoroutines is the concurrency that points 2 to 4 ask for.
const manyGoroutines = 64

// quickBegins is how long a quick run may have taken to begin another measurement,
// so that it ends within 3 minutes.
const quickBegins = 110 * time.Second
