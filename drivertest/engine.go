package drivertest

import "sync"

// engine is Target.Engine, which is left running.
func (t *trial) engine() *stoppable {
	e := &stoppable{Engine: t.target.Engine(t.tb)}
	t.cleanup(func() { e.start(); e.resume() })
	return e
}

// stoppable is an engine whose state is known.
type stoppable struct {
	Engine
	mu              sync.Mutex
	stopped, paused bool
}

func (e *stoppable) stop()   { e.change(&e.stopped, true, e.Engine.Stop) }
func (e *stoppable) start()  { e.change(&e.stopped, false, e.Engine.Start) }
func (e *stoppable) pause()  { e.change(&e.paused, true, e.Engine.Pause) }
func (e *stoppable) resume() { e.change(&e.paused, false, e.Engine.Resume) }

func (e *stoppable) change(is *bool, to bool, f func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if *is != to {
		*is = to
		f()
	}
}
