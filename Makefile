# The test command: installs what it needs, runs everything, skips nothing.
.PHONY: test
test:
	./scripts/test

# Every fuzz target for FUZZTIME, which is 10m if not given, one after another.
.PHONY: fuzz
fuzz:
	./scripts/fuzz

# Random load with faults injected, for 10 minutes or as FOR says.
.PHONY: soak
soak:
	go run ./internal/soak -for $(or $(FOR),10m)
