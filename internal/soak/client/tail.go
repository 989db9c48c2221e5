package client

import (
	"strings"
	"sync"
)

// tail keeps the end of what a process prints.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if most := 16 << 10; len(t.kept) > most {
		t.kept = append([]byte(nil), t.kept[len(t.kept)-most:]...)
	}
	return len(p), nil
}

// text is what was kept, in one line.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.Join(strings.Fields(string(t.kept)), " ")
}
