package testserver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
)

// busOffset is how far above its port a server of a cluster talks to the others.
const busOffset = 10_000

// The ports to choose from. They and those of the bus are below what systems give
// to outgoing connections, so that a server that was killed finds its own free when
// it is started again.
const (
	firstPort = 10_000
	lastPort  = 22_700
)

var givenPorts = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// freePortPair returns a port that nobody listens on, nor on that of its bus.
func freePortPair() (int, error) {
	givenPorts.Lock()
	defer givenPorts.Unlock()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		if !givenPorts.ports[port] && isFree(port) && isFree(port+busOffset) {
			givenPorts.ports[port] = true
			return port, nil
		}
	}
	return 0, errors.New("no free port was found on the loopback")
}

func isFree(port int) bool {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	listener.Close()
	return true
}
