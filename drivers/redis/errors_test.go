package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/enactdev/enact/driver"
)

// answered is an error as a server answers it.
type answered string

func (e answered) Error() string { return string(e) }
func (answered) RedisError()     {}

// TestWriteErrors: which errors of a write say that it was certainly not done (B9).
// Redis 6 puts the error of a command into that of its script, Redis 7 before it.
func TestWriteErrors(t *testing.T) {
	lost := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	for name, test := range map[string]struct {
		failed      failure
		unavailable bool
		word        string
	}{
		"loading":               {failure{err: answered("LOADING Redis is loading the dataset in memory")}, true, "loading"},
		"replica, Redis 7":      {failure{err: answered("READONLY You can't write against a read only replica. script: 81f4, on @user_script:3.")}, true, "replica"},
		"replica, Redis 6":      {failure{err: answered("ERR Error running script (call to f_81f4): @user_script:3: @user_script: 3: -READONLY You can't write against a read only replica.")}, true, "replica"},
		"memory, Redis 7":       {failure{err: answered("OOM command not allowed when used memory > 'maxmemory'. script: 81f4, on @user_script:1.")}, true, "maxmemory"},
		"memory, Redis 6":       {failure{err: answered("ERR Error running script (call to f_81f4): @user_script:9: @user_script: 9: -OOM command not allowed when used memory > 'maxmemory'.")}, true, "maxmemory"},
		"disk":                  {failure{err: answered("MISCONF Errors writing to the AOF file: No space left on device")}, true, "disk"},
		"few replicas":          {failure{err: answered("NOREPLICAS Not enough good replicas to write.")}, true, "min-replicas-to-write"},
		"cluster down":          {failure{err: answered("CLUSTERDOWN Hash slot not served")}, true, "cluster"},
		"moving keys":           {failure{err: answered("TRYAGAIN Multiple keys request during rehashing of slot")}, true, "moving"},
		"busy":                  {failure{err: answered("BUSY Redis is busy running a script.")}, true, "busy"},
		"password":              {failure{err: answered("WRONGPASS invalid username-password pair or user is disabled.")}, true, "password"},
		"connections":           {failure{err: answered("ERR max number of clients reached")}, true, "maxclients"},
		"not dialled":           {failure{err: notConnected{errors.New("no route to host")}}, true, "no route"},
		"pool":                  {failure{err: redis.ErrPoolTimeout}, true, "pool_size"},
		"not written":           {failure{err: &net.OpError{Op: "write", Err: syscall.EPIPE}, alone: true}, true, "broken pipe"},
		"half a pipeline":       {failure{err: &net.OpError{Op: "write", Err: syscall.EPIPE}}, false, "repeat the call"},
		"no answer":             {failure{err: lost, alone: true}, false, "repeat the call"},
		"closed":                {failure{err: io.EOF, alone: true}, false, "repeat the call"},
		"too few replicas":      {failure{err: fewReplicas{1, 2}, done: true}, false, "1 of 2"},
		"no answer of WAIT":     {failure{err: answered("LOADING"), done: true}, false, "repeat the call"},
		"a right in the script": {failure{err: answered("NOPERM this user has no permissions to run the 'xadd' command script: 81f4, on @user_script:3.")}, false, "grant"},
		"a right, Redis 7.0":    {failure{err: answered("ERR The user executing the script can't run this command or subcommand script: 81f4, on @user_script:3.")}, false, "grant"},
		"a right, Redis 7.2":    {failure{err: answered("ERR ACL failure in script: User modest has no permissions to run the 'xadd' command script: 81f4, on @user_script:3.")}, false, "grant"},
		"a right, Redis 6":      {failure{err: answered("ERR Error running script (call to f_81f4): @user_script:3: @user_script: 3: The user executing the script can't run this command or subcommand")}, false, "grant"},
		"something unknown":     {failure{err: answered("WRONGTYPE Operation against a key holding the wrong kind of value")}, false, "repeat the call"},
		"a word that looks so":  {failure{err: answered("ERR user_script:3: no -OOM here")}, false, "repeat the call"},
		"in more than one line": {failure{err: fmt.Errorf("one\ntwo")}, false, "one two"},
	} {
		b := &backend{ended: context.Background(), routes: &routes{}}
		err := b.explain(t.Context(), test.failed, true)
		if errors.Is(err, driver.ErrUnavailable) != test.unavailable || !strings.Contains(err.Error(), test.word) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error is %q, want ErrUnavailable %v, in one line that names %q", name, err, test.unavailable, test.word)
		}
	}
}
