package client

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/enactdev/enact"
)

// Process makes calls in a process of its own, which writes to a pipe what came of
// them.
type Process struct {
	config enact.Config
	// died is told when the process ends by itself.
	died func(error)

	mu      sync.Mutex
	current *running
}

// running is a process from its start to its end.
type running struct {
	cmd   *exec.Cmd
	in    io.Closer
	send  *sender
	ready chan *Failure // whether the stores are open
	ended chan struct{}
	errs  tail

	mu      sync.Mutex
	open    bool
	wanted  bool // its end is
	next    uint64
	pending map[uint64]chan Outcome
}

// NewProcess is a process that is yet to be started. died is told when it ends by
// itself.
func NewProcess(c enact.Config, died func(error)) *Process {
	return &Process{config: c, died: died}
}

// Start starts the process and waits until it has opened the stores.
func (p *Process) Start(ctx context.Context) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	r := &running{cmd: exec.Command(executable), ready: make(chan *Failure, 1), ended: make(chan struct{}), pending: map[uint64]chan Outcome{}}
	r.cmd.Env = append(os.Environ(), workerVariable+"=1")
	r.cmd.Stderr = &r.errs
	in, err := r.cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := r.cmd.Start(); err != nil {
		return err
	}
	r.in, r.send = in, newSender(in)
	p.mu.Lock()
	p.current = r
	p.mu.Unlock()
	go r.receive(out, p.died)
	if err := r.send.send(storesOf(p.config)); err != nil {
		return err
	}
	select {
	case failure := <-r.ready:
		if failure != nil {
			return fmt.Errorf("a worker cannot open its stores: %s", failure.Text)
		}
		return nil
	case <-r.ended:
		return errors.New("a worker ended before it had opened its stores")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// receive gives what the process answers to those who wait for it.
func (r *running) receive(out io.Reader, died func(error)) {
	answers := gob.NewDecoder(out)
	for {
		var a answer
		if err := answers.Decode(&a); err != nil {
			break
		}
		r.mu.Lock()
		if a.ID == 0 {
			r.open = a.Outcome.Err == nil
			r.ready <- a.Outcome.Err
		} else if waiting, ok := r.pending[a.ID]; ok {
			delete(r.pending, a.ID)
			waiting <- a.Outcome
		}
		r.mu.Unlock()
	}
	err := r.cmd.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = false
	for _, waiting := range r.pending {
		waiting <- Outcome{Err: &Failure{Text: "the worker has ended", Lost: true}}
	}
	r.pending = nil
	if !r.wanted {
		died(fmt.Errorf("a worker ended by itself: %w: %s", err, r.errs.text()))
	}
	close(r.ended)
}

// Call implements Client.
func (p *Process) Call(call Call, timeout time.Duration) Outcome {
	unsent := Outcome{Err: &Failure{Text: "the worker is not running", Unsent: true}}
	p.mu.Lock()
	r := p.current
	p.mu.Unlock()
	if r == nil {
		return unsent
	}
	r.mu.Lock()
	if !r.open {
		r.mu.Unlock()
		return unsent
	}
	r.next++
	id, waiting := r.next, make(chan Outcome, 1)
	r.pending[id] = waiting
	r.mu.Unlock()
	// What cannot be sent, to a process that is ending, ends as lost.
	if err := r.send.send(request{id, call, timeout}); err != nil && !errors.Is(err, os.ErrClosed) && !isGone(err) {
		return Outcome{Err: &Failure{Text: "send a call: " + err.Error(), Unsent: true}}
	}
	return <-waiting
}

// Kill ends the process at once.
func (p *Process) Kill() { p.end(func(r *running) { r.cmd.Process.Kill() }) }

// Close has the process close its stores and waits for its end, for some time.
func (p *Process) Close() {
	p.end(func(r *running) {
		r.in.Close()
		select {
		case <-r.ended:
		case <-time.After(2 * closing):
			r.cmd.Process.Kill()
		}
	})
}

func (p *Process) end(how func(*running)) {
	p.mu.Lock()
	r := p.current
	p.current = nil
	p.mu.Unlock()
	if r == nil {
		return
	}
	r.mu.Lock()
	r.wanted = true
	r.mu.Unlock()
	how(r)
	<-r.ended
}

// Pause makes the process stand still for a time.
func (p *Process) Pause(ctx context.Context, d time.Duration) error {
	p.mu.Lock()
	r := p.current
	p.mu.Unlock()
	if r == nil {
		return nil
	}
	if err := halt(r.cmd.Process); err != nil {
		return err
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return proceed(r.cmd.Process)
}
