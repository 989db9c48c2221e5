package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/enactdev/enact/internal/soak/client"
	"github.com/enactdev/enact/internal/soak/store"
)

func (s *soak) counted(f store.Family) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.injected[f]++
}

func (s *soak) measured(process string, used client.Used) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.usage.add(process, used)
}

func (s *soak) inUse() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usage.last()
}

// detail is printed when the soak was told to.
func (s *soak) detail(format string, args ...any) {
	if s.verbose {
		fmt.Printf("%v %s\n", s.elapsed(), fmt.Sprintf(format, args...))
	}
}

// line is what is printed each minute.
func (s *soak) line() string {
	var parts []string
	for _, kind := range s.kinds {
		j := s.journals[kind.Name]
		parts = append(parts, fmt.Sprintf("%s %d calls (%d refused, %d open, %d lost, at most %v late) %d checks",
			kind.Name, j.Calls.Load(), j.Refused.Load(), j.Open.Load(), j.Lost.Load(), j.Late().Round(10*time.Millisecond), j.Checks.Load()))
	}
	return fmt.Sprintf("%v: %s; %s; %s", s.elapsed(), strings.Join(parts, ", "), s.faultsDone(), s.inUse())
}

func (s *soak) faultsDone() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	parts := []string{fmt.Sprintf("%d rounds", s.rounds)}
	for _, f := range s.faults {
		parts = append(parts, fmt.Sprintf("%d %s", s.injected[f], f))
	}
	return strings.Join(parts, ", ")
}

// verdict is what is printed when nothing was broken.
func (s *soak) verdict() string {
	return fmt.Sprintf("ok: %s; seed %d", s.line(), s.seed)
}
