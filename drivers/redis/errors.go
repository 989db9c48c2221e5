package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/enactdev/enact/driver"
)

// failure is an error of go-redis and where it came up.
type failure struct {
	err   error
	alone bool // the request was one command, so that a part of it does nothing
	done  bool // the server has carried out the script
}

// fewReplicas: not enough replicas have said in time that they have a write.
type fewReplicas struct {
	got  int64
	want int
}

func (e fewReplicas) Error() string {
	return fmt.Sprintf("%d of %d replicas have it; see to the replicas", e.got, e.want)
}

// Codes with which the server's errors begin.
const (
	codeNoScript    = "NOSCRIPT"
	codeMoved       = "MOVED"
	codeAsk         = "ASK"
	codeTryAgain    = "TRYAGAIN"
	codeClusterDown = "CLUSTERDOWN"
	codeMasterDown  = "MASTERDOWN"
	codeLoading     = "LOADING"
	codeReadOnly    = "READONLY"
	codeOOM         = "OOM"
	codeMisconf     = "MISCONF"
	codeNoReplicas  = "NOREPLICAS"
	codeBusy        = "BUSY"
	codeNoAuth      = "NOAUTH"
	codeWrongPass   = "WRONGPASS"
	codeNoPerm      = "NOPERM"
	codeCrossSlot   = "CROSSSLOT"
)

// aloneInCluster says what to do about a server that has some of the keys only.
const aloneInCluster = "the server belongs to a cluster; use the scheme redis+cluster, or a *redis.ClusterClient"

// tooManyClients has no code of its own.
const tooManyClients = "max number of clients reached"

// withoutRight finds the error of a command that the user may not run inside a script.
// Not every version of Redis gives it a code of its own.
var withoutRight = regexp.MustCompile(`^ERR .*(The user executing the script can't|ACL failure in script:)`)

// insideScript finds the code of a command's error in that of its script, as Redis 6
// writes it.
var insideScript = regexp.MustCompile(`@user_script.*: -([A-Z]+) `)

// code returns the code of an error of the server, empty for any other.
func (f failure) code() string {
	e, ok := errors.AsType[redis.Error](f.err)
	if !ok || f.empty() {
		return ""
	}
	text := e.Error()
	if found := insideScript.FindStringSubmatch(text); found != nil {
		return found[1]
	}
	if withoutRight.MatchString(text) {
		return codeNoPerm
	}
	code, _, _ := strings.Cut(text, " ")
	return code
}

// empty: the server has answered that there is nothing.
func (f failure) empty() bool { return errors.Is(f.err, redis.Nil) }

// redirection says to where a server of a cluster has sent us.
func (f failure) redirection() (address string, ask, redirected bool) {
	if f.err == nil {
		return "", false, false
	}
	if address, ok := redis.IsMovedError(f.err); ok {
		return address, false, true
	}
	address, ok := redis.IsAskError(f.err)
	return address, ok, ok
}

// refused: the server has answered with an error that comes before a script has
// written anything. The first write of a script finds whether the server takes any.
func (f failure) refused() bool {
	switch f.code() {
	case codeNoScript, codeMoved, codeAsk, codeTryAgain, codeClusterDown, codeMasterDown, codeLoading, codeReadOnly, codeOOM, codeMisconf, codeNoReplicas,
		codeBusy, codeNoAuth, codeWrongPass, codeCrossSlot:
		return true
	}
	return f.code() != "" && strings.Contains(f.err.Error(), tooManyClients)
}

// unsent: the server cannot have got the whole request.
func (f failure) unsent() bool {
	if _, ok := errors.AsType[notConnected](f.err); ok {
		return true
	}
	if errors.Is(f.err, redis.ErrPoolTimeout) || errors.Is(f.err, redis.ErrPoolExhausted) || errors.Is(f.err, redis.ErrClosed) || errors.Is(f.err, errEnded) {
		return true
	}
	op, ok := errors.AsType[*net.OpError](f.err)
	return ok && (op.Op == "dial" || op.Op == "write" && f.alone)
}

// lost: the connection broke, or the client of a server that has left the cluster was
// closed, and another may be had.
func (f failure) lost() bool {
	if f.err == nil || f.code() != "" || errors.Is(f.err, context.Canceled) || errors.Is(f.err, context.DeadlineExceeded) {
		return false
	}
	network, ok := errors.AsType[net.Error](f.err)
	return ok && !network.Timeout() || errors.Is(f.err, io.EOF) || errors.Is(f.err, io.ErrUnexpectedEOF) || errors.Is(f.err, net.ErrClosed) || errors.Is(f.err, redis.ErrClosed)
}

// late: the server has not answered in time.
func (f failure) late() bool {
	network, ok := errors.AsType[net.Error](f.err)
	return ok && network.Timeout()
}

// nothingDone: the call had certainly no effect.
func (f failure) nothingDone() bool { return !f.done && (f.refused() || f.unsent()) }

// again: the call may be repeated, and may then succeed.
func (f failure) again(write bool) bool {
	switch f.code() {
	case codeTryAgain, codeClusterDown, codeMasterDown, codeLoading, codeReadOnly, codeMoved, codeAsk:
		return true
	}
	if errors.Is(f.err, redis.ErrPoolTimeout) || errors.Is(f.err, errEnded) {
		return false
	}
	return f.lost() && (!write || f.nothingDone())
}

// putOff: a cluster is moving the keys, or electing a master.
func (f failure) putOff() bool {
	code := f.code()
	return code == codeTryAgain || code == codeClusterDown
}

// explain gives an error of the engine its place in the contract.
func (b *backend) explain(ctx context.Context, f failure, write bool) error {
	switch {
	case f.err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case b.ended.Err() != nil:
		return driver.ErrClosed
	case write && !f.nothingDone() && f.code() == codeNoPerm:
		return fmt.Errorf("redis: the user of the DSN may not do that; grant it what the documentation of the driver lists: %s", message(f.err))
	case write && !f.nothingDone():
		return fmt.Errorf("redis: it is not known whether the server has done it; repeat the call: %s", message(f.err))
	}
	unavailable := func(why string) error {
		return fmt.Errorf("%w: redis: %s: %s", driver.ErrUnavailable, why, message(f.err))
	}
	if strings.Contains(f.err.Error(), "cluster support disabled") {
		return unavailable("the server belongs to no cluster; use the scheme redis, or enable the cluster")
	}
	switch f.code() {
	case codeMoved, codeAsk:
		if b.routes.cluster == nil {
			return unavailable(aloneInCluster)
		}
		return unavailable("the servers of the cluster send each request to one another; see to the cluster")
	case codeTryAgain:
		return unavailable("the cluster is moving the keys; repeat the call later")
	case codeClusterDown, codeMasterDown:
		return unavailable("the cluster is down, or electing a master; repeat the call later")
	case codeLoading:
		return unavailable("the server is loading its data; repeat the call later")
	case codeReadOnly:
		return unavailable("the server is a replica, which takes no writes; name the master, or use the scheme redis+sentinel")
	case codeOOM:
		return unavailable("the server is out of memory; raise maxmemory or remove data")
	case codeMisconf:
		return unavailable("the server cannot write to its disk; see to the disk")
	case codeNoReplicas:
		return unavailable("the server has fewer replicas than min-replicas-to-write; see to the replicas")
	case codeBusy:
		return unavailable("the server is busy with a script; repeat the call later")
	case codeNoAuth, codeWrongPass:
		return unavailable("the server does not let the user of the DSN in; see to user and password")
	case codeNoPerm:
		return fmt.Errorf("redis: the user of the DSN may not do that; grant it what the documentation of the driver lists: %s", message(f.err))
	}
	_, few := errors.AsType[fewReplicas](f.err)
	switch {
	case few:
		return unavailable("a write would not be acknowledged")
	case errors.Is(f.err, redis.ErrPoolTimeout) || errors.Is(f.err, redis.ErrPoolExhausted):
		return unavailable("no connection of the pool is free; raise pool_size or pool_timeout")
	case f.code() == "":
		return unavailable("the server cannot be reached or does not answer")
	case f.refused():
		return unavailable("the server refuses connections; raise its maxclients")
	}
	return fmt.Errorf("redis: %s", message(f.err))
}

// message is an error in one line. What go-redis and the server say of a failure
// names addresses, users and commands, and no password.
func message(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
