//go:build !linux

package main

import "runtime"

// usedMemory is what Go has in use, in bytes, where the system does not say what is
// resident.
func usedMemory() (int64, error) {
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.Sys - stats.HeapReleased), nil
}
