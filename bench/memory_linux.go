package main

import (
	"fmt"
	"os"
)

// usedMemory is what the process has resident, in bytes.
func usedMemory() (int64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		return 0, fmt.Errorf("read /proc/self/statm: %w", err)
	}
	return resident * int64(os.Getpagesize()), nil
}
