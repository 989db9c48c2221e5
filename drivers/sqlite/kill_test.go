package sqlite

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

const killRounds = 20

// crashBatch is what a batch of the crashing child is: all of it follows from the
// round and the number of the batch, so that a reader can tell what should be there.
func crashBatch(round, number uint64) []driver.Event {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], round)
	binary.LittleEndian.PutUint64(seed[8:], number)
	source := rand.NewChaCha8(seed)
	random := rand.New(source)
	batch := make([]driver.Event, 1+random.IntN(40))
	for i := range batch {
		payload := make([]byte, random.IntN(1000))
		source.Read(payload)
		batch[i] = driver.Event{
			ID: driver.EventID(fmt.Sprintf("%d/%d/%d", round, number, i)), Type: "crash", Payload: payload,
			Time: time.UnixMicro(int64(round*1_000_000 + number)).UTC(),
		}
	}
	return batch
}

// childAppendsForEver appends batches, and prints number and last sequence of each
// when it has been acknowledged, until it is killed.
func childAppendsForEver(ctx context.Context, args []string) error {
	testkit.EndWithParent()
	round, err := strconv.ParseUint(args[1], 10, 64)
	if err != nil {
		return err
	}
	return withStore(ctx, args[0], func(b *backend) error {
		for number := uint64(0); ; number++ {
			last, err := b.Tenant("t").Events.Append(ctx, "crashed", driver.Expectation{}, crashBatch(round, number))
			if err != nil {
				return err
			}
			// One write, so that a line is whole or not there.
			if _, err := os.Stdout.WriteString(fmt.Sprintf("%d %d\n", number, last)); err != nil {
				return err
			}
		}
	})
}

// acknowledged is a batch of which the child was told that it is stored.
type acknowledged struct{ round, number, last uint64 }

// TestKilledProcessLosesNothing kills a process while it appends, again and again:
// every acknowledged event is there, and only whole batches are (E1, E2, E3).
func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := newFile(t)
	var promised []acknowledged
	for round := range uint64(killRounds) {
		promised = append(promised, crash(t, path, round, time.Duration(random.IntN(70_000))*time.Microsecond)...)
		checkAfterCrash(t, path, round, promised)
		if t.Failed() {
			t.FailNow()
		}
	}
	t.Logf("%d batches were acknowledged", len(promised))
}

// crash lets a child append for a while after its first batch and kills it.
func crash(t *testing.T, path string, round uint64, after time.Duration) []acknowledged {
	t.Helper()
	c := testkit.StartChild(t, "crash", dsnFor(path, "readers=1"), strconv.FormatUint(round, 10))
	lines := c.Line() + "\n"
	time.AfterFunc(after, func() { c.Cmd.Process.Kill() })
	rest, err := io.ReadAll(c.Out)
	testkit.Check(t, err)
	c.Cmd.Wait()
	if c.Errors() != "" {
		t.Fatalf("the child failed by itself: %s", c.Errors())
	}
	lines += string(rest)
	var promised []acknowledged
	for line := range strings.Lines(lines) {
		ack := acknowledged{round: round}
		testkit.Must(fmt.Sscanf(line, "%d %d\n", &ack.number, &ack.last))(t)
		promised = append(promised, ack)
	}
	return promised
}

func checkAfterCrash(t *testing.T, path string, round uint64, promised []acknowledged) {
	t.Helper()
	b := open(t, dsnFor(path, "readers=1"))
	history := load(t, b.Tenant("t").Events, "crashed")
	last := testkit.Must(b.Tenant("t").Events.LatestSequence(t.Context(), "crashed"))(t)
	if last != uint64(len(history)) {
		t.Errorf("round %d: the last sequence is %d, but %d events can be read", round, last, len(history))
	}
	checkIntegrity(t, path)
	shutdown(t, b)

	lasts := map[[2]uint64]uint64{}
	for at := 0; at < len(history); {
		var batchRound, number uint64
		var index int
		testkit.Must(fmt.Sscanf(string(history[at].ID), "%d/%d/%d", &batchRound, &number, &index))(t)
		batch := crashBatch(batchRound, number)
		if at+len(batch) > len(history) {
			t.Fatalf("round %d: the history ends in the middle of batch %d of round %d (E3)", round, number, batchRound)
		}
		for i, want := range batch {
			got := history[at+i]
			if got.ID != want.ID || got.Type != want.Type || !got.Time.Equal(want.Time) || !bytes.Equal(got.Payload, want.Payload) {
				t.Fatalf("round %d: sequence %d holds event %q with %d bytes at %v, want %q with %d bytes at %v (E3: whole batches, E8: faithful)",
					round, got.Sequence, got.ID, len(got.Payload), got.Time, want.ID, len(want.Payload), want.Time)
			}
		}
		at += len(batch)
		lasts[[2]uint64{batchRound, number}] = uint64(at)
	}
	for _, ack := range promised {
		if got := lasts[[2]uint64{ack.round, ack.number}]; got != ack.last {
			t.Errorf("round %d: batch %d of round %d was acknowledged to end at sequence %d, it ends at %d (0: it is lost; E1)", round, ack.number, ack.round, ack.last, got)
		}
	}
	// A batch that was stored without an acknowledgement is one that was in flight
	// when the process was killed: at most one a round.
	if unasked := len(lasts) - len(promised); unasked > int(round)+1 {
		t.Errorf("%d batches are stored that were not acknowledged in %d rounds, want at most one a round", unasked, round+1)
	}
}

// childMakesTheFile opens a store for the first time and writes in it.
func childMakesTheFile(ctx context.Context, args []string) error {
	testkit.EndWithParent()
	fmt.Println("ready")
	return withStore(ctx, args[0], func(b *backend) error {
		_, err := b.Tenant("t").Events.Append(ctx, "e", driver.ExpectLast(0), someEvents("first", 3, binary.BigEndian.AppendUint64(nil, 1)))
		return err
	})
}

// TestKilledWhileMakingTheFile: whatever state the making of a file is left in,
// the next one who opens it completes it.
func TestKilledWhileMakingTheFile(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	sizes := map[int64]int{}
	for range killRounds / 2 {
		path := newFile(t)
		c := testkit.StartChild(t, "make", dsnFor(path))
		c.Line()
		time.Sleep(time.Duration(random.IntN(25_000)) * time.Microsecond)
		c.Cmd.Process.Kill()
		c.Cmd.Wait()
		if info, err := os.Stat(path); err == nil {
			sizes[info.Size()]++
		}
		b := open(t, dsnFor(path))
		if n := len(load(t, b.Tenant("t").Events, "e")); n != 0 && n != 3 {
			t.Errorf("%d events of a batch of 3 are there (E3)", n)
		}
		testkit.Must(b.Tenant("t").Events.Append(t.Context(), "e", driver.Expectation{}, someEvents("after", 2, nil)))(t)
		shutdown(t, b)
		checkSchema(t, path)
		checkIntegrity(t, path)
	}
	t.Logf("sizes of the files that were left: %v", sizes)
}
