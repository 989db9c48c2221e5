package durability

import (
	"flag"
	"os"
	"testing"
)

var (
	points    = flag.Int("points", 1000, "how many power cuts to simulate")
	seed      = flag.Uint64("seed", 0, "what the power cuts are chosen by; 0: the time")
	keepTrace = flag.String("keeptrace", "", "a file to keep the trace in")
	traceFile = flag.String("trace", "", "a trace that was kept, to have the same power cuts again with its seed")
)

func TestMain(m *testing.M) {
	if order := os.Getenv(childVariable); order != "" {
		os.Exit(childMain(order))
	}
	os.Exit(m.Run())
}
