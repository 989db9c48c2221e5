# The test command: installs what it needs, runs everything, skips nothing.
.PHONY: test
test:
	./scripts/test
