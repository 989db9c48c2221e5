package postgres

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/enactdev/enact/driver"
)

// backstop is how long a news may get lost on its way: behind a transaction
// pooler, which forgets who listens, or from a writer that does not tell.
const backstop = time.Second

// watchedEvents is an event store that tells when an execution goes on.
type watchedEvents struct{ events }

// AwaitEvents implements driver.EventWatcher.
func (s watchedEvents) AwaitEvents(ctx context.Context, id driver.ExecutionID, after uint64) error {
	news, forget := s.listener.expect(executionTopic(s.tenant, id))
	defer forget()
	s.listener.start(s.backend)
	// What was appended before news was expected is found here.
	last, err := s.LatestSequence(ctx, id)
	if err != nil || last > after {
		return err
	}
	if err := s.Enter(ctx); err != nil {
		return err
	}
	defer s.Leave()
	timer := time.NewTimer(backstop)
	defer timer.Stop()
	select {
	case <-news:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	case <-s.Aborted():
		return driver.ErrClosed
	}
	return nil
}

// executionTopic is how a notification names an execution. It has a fixed length,
// because the server limits that of notifications.
func executionTopic(tenant string, id driver.ExecutionID) string {
	sum := sha256.Sum256([]byte(driver.Scope(tenant, string(id))))
	return fmt.Sprintf("%x", sum[:16])
}

// channelOf names the channel of a schema's notifications.
func channelOf(schema string) string {
	sum := sha256.Sum256([]byte(schema))
	return fmt.Sprintf("enact_%x", sum[:8])
}

// listener passes on what the server tells to those who wait for it. It has a
// connection of its own, made when somebody waits for the first time.
type listener struct {
	once    sync.Once
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]bool // by topic
}

// expect returns a channel that gets a value with the next news about topic.
func (l *listener) expect(topic string) (news <-chan struct{}, forget func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting == nil {
		l.waiting = map[string]map[chan struct{}]bool{}
	}
	if l.waiting[topic] == nil {
		l.waiting[topic] = map[chan struct{}]bool{}
	}
	c := make(chan struct{}, 1)
	l.waiting[topic][c] = true
	return c, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if delete(l.waiting[topic], c); len(l.waiting[topic]) == 0 {
			delete(l.waiting, topic)
		}
	}
}

func (l *listener) tell(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	wake(l.waiting[topic])
}

func (l *listener) tellAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, waiting := range l.waiting {
		wake(waiting)
	}
}

func wake(waiting map[chan struct{}]bool) {
	for c := range waiting {
		select {
		case c <- struct{}{}:
		default: // it has news already
		}
	}
}

// start listens until the backend ends. A connection that is lost is made again,
// and everybody told, since there may have been news meanwhile.
func (l *listener) start(b *backend) {
	l.once.Do(func() {
		b.sweeping.Go(func() {
			for try := 0; b.ended.Err() == nil; try++ {
				if heard := l.listen(b); heard {
					try = 0
				}
				b.pause(b.ended, min(try, 10))
			}
		})
	})
}

// listen passes news on until the connection is lost, and says whether there was
// one.
func (l *listener) listen(b *backend) (heard bool) {
	conn, err := pgx.ConnectConfig(b.ended, b.pool.Config().ConnConfig)
	if err != nil {
		return false
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), goodbye)
		defer cancel()
		conn.Close(ctx)
	}()
	if _, err := conn.Exec(b.ended, "LISTEN "+channelOf(b.schema)); err != nil {
		return false
	}
	l.tellAll()
	for {
		news, err := conn.WaitForNotification(b.ended)
		if err != nil {
			return true
		}
		l.tell(news.Payload)
	}
}
