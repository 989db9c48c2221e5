package testserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// The ports to choose from. They and those beside them are below what systems give to
// outgoing connections: nobody takes one before its server listens, and a server that
// was killed finds its own free when it is started again.
const (
	firstPort = 10_000
	lastPort  = 22_700
)

// busOffset is how far above its port a Redis server of a cluster talks to the others.
const busOffset = 10_000

var givenPorts = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// freePort returns a port of the loopback that nobody listens on, nor on those that
// are so far above it. It is given to nobody else.
func freePort(beside ...int) (int, error) {
	givenPorts.Lock()
	defer givenPorts.Unlock()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		free := isFree(port)
		for _, offset := range beside {
			free = free && isFree(port+offset)
		}
		if !free {
			continue
		}
		for _, offset := range append(beside, 0) {
			givenPorts.ports[port+offset] = true
		}
		return port, nil
	}
	return 0, errors.New("no free port was found on the loopback")
}

// isFree: nobody was given the port or listens on it. givenPorts is locked.
func isFree(port int) bool {
	if givenPorts.ports[port] {
		return false
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	listener.Close()
	return true
}
