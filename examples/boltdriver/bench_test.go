package boltdriver

import (
	"testing"

	"github.com/enactdev/enact/drivertest"
)

func BenchmarkStore(b *testing.B) { drivertest.Bench(b, target()) }
