package drivertest

import (
	"io"
	"net"
	"os"
	"sync"
)

// stranger listens on the loopback. It accepts whoever comes, reads what they say
// and never answers.
type stranger struct {
	t        *trial
	listener net.Listener
	// came gets a word when somebody connects.
	came chan struct{}

	mu      sync.Mutex
	arrived *sync.Cond
	visits  map[string]bool // remote address to whether it is still connected
	conns   []net.Conn
}

// listen starts a stranger, who leaves when the check has ended.
func (t *trial) listen() *stranger {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	t.ok("listening on the loopback", err)
	s := &stranger{t: t, listener: listener, came: make(chan struct{}, 1), visits: map[string]bool{}}
	s.arrived = sync.NewCond(&s.mu)
	go s.accept()
	t.cleanup(s.leave)
	// A driver for which an address is part of a file's name may have made it.
	if _, err := os.Lstat(s.address()); os.IsNotExist(err) {
		t.cleanup(func() { os.RemoveAll(s.address()) })
	}
	return s
}

func (s *stranger) address() string { return s.listener.Addr().String() }

func (s *stranger) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		s.visits[conn.RemoteAddr().String()] = true
		s.conns = append(s.conns, conn)
		s.arrived.Broadcast()
		s.mu.Unlock()
		select {
		case s.came <- struct{}{}:
		default:
		}
		go s.listenTo(conn)
	}
}

func (s *stranger) listenTo(conn net.Conn) {
	io.Copy(io.Discard, conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, counted := s.visits[conn.RemoteAddr().String()]; counted {
		s.visits[conn.RemoteAddr().String()] = false
	}
}

// leave closes everything.
func (s *stranger) leave() {
	s.listener.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, conn := range s.conns {
		conn.Close()
	}
}

// visited counts who has connected so far. Those whom it has not accepted yet come
// before a visit of our own.
func (s *stranger) visited() int {
	conn, err := net.DialTimeout("tcp", s.address(), s.t.patience())
	s.t.ok("connecting to the loopback", err)
	defer conn.Close()
	ours := conn.LocalAddr().String()
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if _, there := s.visits[ours]; there {
			delete(s.visits, ours)
			return len(s.visits)
		}
		s.arrived.Wait()
	}
}

// alone ends the check unless everybody who has come hangs up soon.
func (s *stranger) alone(did string) {
	s.t.until(did+": its connections", s.t.patience(), "closed", func() (string, bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		for who, still := range s.visits {
			if still {
				return "one from " + who + " is still open", false
			}
		}
		return "", true
	})
}
