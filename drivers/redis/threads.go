package redis

import (
	"context"
	"fmt"
	"strconv"

	"github.com/enactdev/enact/driver"
)

type messages struct{ view }

var (
	createThread = writes("messages", "thread_create")
	getThread    = reads("messages", "thread_get")
	updateThread = writes("messages", "thread_update")
	deleteThread = writes("messages", "thread_delete")
	listThreads  = reads("messages", "thread_list")
)

// pageBytes is where a script that lists threads or messages stops, to be asked again.
const pageBytes = 8 << 20

const threadFields = 9

// ask runs a script on threads and messages, which answers with what came of it and
// something besides.
func (s messages) ask(ctx context.Context, script *script, args ...any) (answer string, fields []any, err error) {
	reply, err := s.runKept(ctx, script, keysOfMessages, args...)
	if err != nil {
		return "", nil, err
	}
	return text(reply[0]), reply[1:], nil
}

func threadOf(f []any) driver.Thread {
	return driver.Thread{
		ID: driver.ThreadID(text(f[0])), User: driver.UserID(text(f[1])), Title: text(f[2]), Metadata: []byte(text(f[3])),
		CreatedAt: moment(f[4]), UpdatedAt: moment(f[5]), DeletedAt: moment(f[6]), Version: number(f[7]),
	}
}

func unknownThread(id driver.ThreadID) error { return driver.NotFoundf("thread %q", id) }

func (s messages) CreateThread(ctx context.Context, t driver.Thread) (driver.Thread, error) {
	answer, fields, err := s.ask(ctx, createThread, string(t.ID), string(t.User), t.Title, string(t.Metadata), microseconds(t.CreatedAt))
	switch {
	case err != nil:
		return driver.Thread{}, err
	case answer == "taken":
		return driver.Thread{}, fmt.Errorf("%w: thread %q, with other content", driver.ErrExists, t.ID)
	}
	return threadOf(fields), nil
}

func (s messages) GetThread(ctx context.Context, id driver.ThreadID, includeDeleted bool) (driver.Thread, error) {
	answer, fields, err := s.ask(ctx, getThread, string(id), flag(includeDeleted))
	switch {
	case err != nil:
		return driver.Thread{}, err
	case answer == "missing":
		return driver.Thread{}, unknownThread(id)
	}
	return threadOf(fields), nil
}

func (s messages) UpdateThread(ctx context.Context, t driver.Thread) (driver.Thread, error) {
	answer, fields, err := s.ask(ctx, updateThread, string(t.ID), string(t.User), t.Title, string(t.Metadata), microseconds(t.CreatedAt), strconv.FormatUint(t.Version, 10))
	switch {
	case err != nil:
		return driver.Thread{}, err
	case answer == "missing":
		return driver.Thread{}, unknownThread(t.ID)
	case answer == "refused":
		return driver.Thread{}, t.CheckEdit(threadOf(fields))
	}
	return threadOf(fields), nil
}

func (s messages) DeleteThread(ctx context.Context, id driver.ThreadID) error {
	answer, _, err := s.ask(ctx, deleteThread, string(id))
	if err == nil && answer == "missing" {
		return unknownThread(id)
	}
	return err
}

func (s messages) ListThreads(ctx context.Context, q driver.ThreadQuery) ([]driver.Thread, driver.Cursor, error) {
	scope := driver.Scope("threads", s.tenant, string(q.User), strconv.FormatBool(q.IncludeDeleted))
	after, err := startOf(scope, q.Page, 1)
	if err != nil {
		return nil, "", err
	}
	if err := s.Enter(ctx); err != nil {
		return nil, "", err
	}
	defer s.Leave()
	to, from := "("+string(q.User)+"\x01", "["+string(q.User)+"\x00"
	if after[0] != "" {
		to = "(" + string(q.User) + "\x00" + after[0]
	}
	var threads []driver.Thread
	var touched []string
	for more := true; more && len(threads) <= q.Page.Limit; {
		if err := s.Continue(ctx); err != nil {
			return nil, "", err
		}
		reply, err := s.within(ctx, listThreads, keysOfMessages, flag(q.IncludeDeleted), to, from, q.Page.Limit+1-len(threads), pageBytes)
		if err != nil {
			return nil, "", err
		}
		more = reply[0].(int64) == 1
		for _, fields := range grouped(reply[1:], threadFields) {
			at := fmt.Sprintf("%020d", number(fields[8]))
			threads, touched = append(threads, threadOf(fields)), append(touched, at)
			to = "(" + string(q.User) + "\x00" + at
		}
	}
	if len(threads) <= q.Page.Limit {
		return threads, "", nil
	}
	return threads[:q.Page.Limit], driver.EncodeCursor(scope, touched[q.Page.Limit-1]), nil
}
