package redis

import (
	"context"
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"strings"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var sources embed.FS

// script is what a server is asked to do: a Lua script of the driver, or a command.
// All keys that it touches are given to it.
type script struct {
	command     string // empty for Lua
	source, sha string
	writes      bool
	harmless    bool // to be written twice, late, or not at all
}

// reading is a command that only reads, with its keys as the first arguments.
func reading(command string) *script { return &script{command: command} }

// newScript puts a script together from files, each of which may use what those
// before it define.
func newScript(writes bool, files ...string) *script {
	var source strings.Builder
	for _, file := range append([]string{"prelude"}, files...) {
		text, err := sources.ReadFile("lua/" + file + ".lua")
		if err != nil {
			panic(err)
		}
		source.Write(text)
	}
	sum := sha1.Sum([]byte(source.String()))
	return &script{source: source.String(), sha: hex.EncodeToString(sum[:]), writes: writes}
}

func reads(files ...string) *script  { return newScript(false, files...) }
func writes(files ...string) *script { return newScript(true, files...) }

// housekeeping is a write that nobody's answer depends on.
func housekeeping(files ...string) *script {
	s := newScript(true, files...)
	s.harmless = true
	return s
}

// matters: it makes a difference whether the server has run the script.
func (s *script) matters() bool { return s.writes && !s.harmless }

// request is the command to send. The server may know a Lua script, or must be given
// its source.
func (s *script) request(ctx context.Context, keys []string, args []any, bySource bool) once {
	parts := make([]any, 0, 3+len(keys)+len(args))
	switch {
	case s.command != "":
		parts = append(parts, s.command)
	case bySource:
		parts = append(parts, "eval", s.source, len(keys))
	default:
		parts = append(parts, "evalsha", s.sha, len(keys))
	}
	for _, key := range keys {
		parts = append(parts, key)
	}
	return once{redis.NewCmd(ctx, append(parts, args...)...)}
}

// once is a command that go-redis does not send again by itself: of two that were
// sent, both may be carried out.
type once struct{ *redis.Cmd }

// NoRetry tells go-redis so.
func (once) NoRetry() bool { return true }
