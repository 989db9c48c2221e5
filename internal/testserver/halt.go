package testserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// halt stops a process, and waits until all of its threads stand still.
func (p *process) halt() error {
	pid := p.cmd.Process.Pid
	if err := send(pid, stop); err != nil {
		return err
	}
	return p.until(func() error {
		threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, path := range threads {
			if fields := statOf(path); len(fields) > 0 && fields[0] != "T" {
				return fmt.Errorf("%s has a thread in state %s", p.cmd.Path, fields[0])
			}
		}
		return nil
	})
}

// statOf returns what the system says of a process or a thread, from its state and its
// parent on; nothing if it is gone, or the system does not say.
func statOf(path string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	// The name, in parentheses, may hold spaces.
	_, rest, _ := strings.Cut(string(text), ") ")
	return strings.Fields(rest)
}
