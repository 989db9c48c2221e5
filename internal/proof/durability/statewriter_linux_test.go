package durability

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/enactdev/enact"
)

// stateWriter sets and deletes keys and saves snapshots.
type stateWriter struct{}

const snapshots = "with snapshots"

func (stateWriter) key(n int) (key string, deletes bool) {
	return "key-" + strconv.Itoa(n%7), n%5 == 4
}

func (stateWriter) savesSnapshot(n int) bool { return n%6 == 3 }

func (w stateWriter) marked(n int) bool {
	_, deletes := w.key(n)
	return w.savesSnapshot(n) || !deletes
}

func (w stateWriter) write(ctx context.Context, t *enact.Tenant, n int) (uint64, error) {
	if w.savesSnapshot(n) {
		s := enact.NewSnapshot(t.ID(), snapshots)
		s.Sequence, s.LastEvent = uint64(n), "last"
		s.Variables["content"] = json.RawMessage(strconv.Quote(content("state", n, 800)))
		return 0, t.State.SaveSnapshot(ctx, s)
	}
	key, deletes := w.key(n)
	if deletes {
		return 0, t.State.Delete(ctx, key)
	}
	return t.State.Set(ctx, key, []byte(content("state", n, n%700)))
}

func (w stateWriter) check(ctx context.Context, t *enact.Tenant, n int, receipts []uint64) error {
	want, snapshot := map[string]int{}, -1
	for i := range n {
		key, deletes := w.key(i)
		switch {
		case w.savesSnapshot(i):
			snapshot = i
		case deletes:
			delete(want, key)
		default:
			want[key] = i
		}
	}
	found := 0
	for info, err := range enact.All(ctx, func(ctx context.Context, p enact.Page) ([]enact.EntryInfo, enact.Cursor, error) {
		return t.State.List(ctx, "", p)
	}) {
		if err != nil {
			return err
		}
		found++
		entry, err := t.State.Get(ctx, info.Key)
		if err != nil {
			return err
		}
		i, there := want[info.Key]
		if !there || string(entry.Value) != content("state", i, i%700) {
			return fmt.Errorf("key %q does not hold what write %d set (%t)", info.Key, i, there)
		}
		if i < len(receipts) && entry.Version != receipts[i] {
			return fmt.Errorf("key %q has version %d, it was acknowledged as %d", info.Key, entry.Version, receipts[i])
		}
	}
	if found != len(want) {
		return fmt.Errorf("%d keys are stored, want %d", found, len(want))
	}
	s, err := t.State.LoadSnapshot(ctx, snapshots)
	if snapshot < 0 {
		if !errors.Is(err, enact.ErrNotFound) {
			return fmt.Errorf("a snapshot that was not saved is there (%v)", err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	if s.Sequence != uint64(snapshot) || string(s.Variables["content"]) != strconv.Quote(content("state", snapshot, 800)) {
		return fmt.Errorf("the snapshot is that of sequence %d, want %d with its content", s.Sequence, snapshot)
	}
	return nil
}
