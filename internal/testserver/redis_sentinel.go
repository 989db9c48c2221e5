package testserver

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

// SentinelName is how the sentinels call what they watch.
const SentinelName = "enact"

const sentinels = 3

// RedisSentinel is a master with a replica, and three sentinels that watch them.
type RedisSentinel struct {
	// Servers are the one that begins as the master, and its replica.
	Servers []*Redis
	// Sentinels are those who watch.
	Sentinels []*Redis
}

// StartRedisSentinel makes them; the settings are those of the servers.
func StartRedisSentinel(settings ...string) (*RedisSentinel, error) {
	s := &RedisSentinel{}
	if err := s.start(settings); err != nil {
		return nil, errors.Join(err, s.Remove())
	}
	return s, nil
}

func (s *RedisSentinel) start(settings []string) error {
	master, err := StartRedis(settings...)
	if err != nil {
		return err
	}
	s.Servers = []*Redis{master}
	replica, err := StartRedisReplica(master, settings...)
	if err != nil {
		return err
	}
	s.Servers = append(s.Servers, replica)
	for range sentinels {
		watcher, err := startSentinel(master)
		if err != nil {
			return err
		}
		s.Sentinels = append(s.Sentinels, watcher)
	}
	return s.Await()
}

func startSentinel(master *Redis) (*Redis, error) {
	watcher, err := makeRedis([]string{
		fmt.Sprintf("sentinel monitor %s 127.0.0.1 %d 2", SentinelName, master.Port),
		"sentinel down-after-milliseconds " + SentinelName + " 1500",
		"sentinel failover-timeout " + SentinelName + " 6000",
	})
	if err != nil {
		return nil, err
	}
	watcher.asSentinel = true
	return started(watcher)
}

// Await waits until every sentinel knows the others, a master and a replica that
// follows it.
func (s *RedisSentinel) Await() error {
	var all sync.WaitGroup
	errs := make([]error, len(s.Sentinels))
	for i, watcher := range s.Sentinels {
		all.Go(func() { errs[i] = watcher.server.until(func() error { return s.settled(watcher) }) })
	}
	all.Wait()
	return errors.Join(errs...)
}

func (s *RedisSentinel) settled(watcher *Redis) error {
	master, err := watcher.Do("SENTINEL", "MASTER", SentinelName).StringSlice()
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(master); i += 2 {
		switch name, value := master[i], master[i+1]; {
		case name == "num-other-sentinels" && value != fmt.Sprint(sentinels-1), name == "num-slaves" && value != "1", name == "flags" && value != "master":
			return fmt.Errorf("a sentinel has %s %s", name, value)
		}
	}
	for _, server := range s.Servers {
		if err := server.replicates(); err != nil {
			return err
		}
	}
	return nil
}

// Master is the server that the sentinels name.
func (s *RedisSentinel) Master() (*Redis, error) {
	var errs error
	for _, watcher := range s.Sentinels {
		address, err := watcher.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SentinelName).StringSlice()
		if err != nil || len(address) != 2 {
			errs = errors.Join(errs, err)
			continue
		}
		for _, server := range s.Servers {
			if server.Address() == net.JoinHostPort(address[0], address[1]) {
				return server, nil
			}
		}
	}
	return nil, errors.Join(errs, errors.New("no sentinel names a master"))
}

// Remove ends all servers and deletes what they have stored.
func (s *RedisSentinel) Remove() error {
	var errs error
	for _, server := range append(s.Sentinels, s.Servers...) {
		errs = errors.Join(errs, server.Remove())
	}
	return errs
}
