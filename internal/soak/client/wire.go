package client

import (
	"encoding/gob"
	"io"
	"sync"
	"time"

	"github.com/enactdev/enact"
)

// What goes to another process, first the stores to open and then requests, and what
// comes back, first whether they are open.
type (
	stores struct{ Events, State, Messages, Vectors string }

	request struct {
		ID      uint64
		Call    Call
		Timeout time.Duration
	}

	answer struct {
		ID      uint64
		Outcome Outcome
	}
)

func storesOf(c enact.Config) stores { return stores{c.Events, c.State, c.Messages, c.Vectors} }

func (s stores) config() enact.Config {
	return enact.Config{Events: s.Events, State: s.State, Messages: s.Messages, Vectors: s.Vectors}
}

// sender sends values, from several goroutines.
type sender struct {
	mu  sync.Mutex
	enc *gob.Encoder
}

func newSender(w io.Writer) *sender { return &sender{enc: gob.NewEncoder(w)} }

func (s *sender) send(value any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.enc.Encode(value)
}
