package drivertest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/enactdev/enact/driver"
)

// contend appends when it is told to, expecting what it has seen, and reports how
// that went: the sequence it was told, or what the conflict said.
func contend(ctx context.Context, b driver.Backend, args []string, report func(string, ...any), next func() bool) error {
	name, s := args[0], b.Tenant(tenantID)
	report("ready")
	for round := 0; next(); round++ {
		seen, err := s.Events.LatestSequence(ctx, "run")
		if err != nil {
			return err
		}
		report("seen %d", seen)
		if !next() {
			break
		}
		last, err := s.Events.Append(ctx, "run", driver.ExpectLast(seen), batchOf(fmt.Sprintf("%s-%d", name, round), 1+round%3))
		var conflict *driver.ConflictError
		switch {
		case err == nil:
			report("won %d", last)
		case errors.As(err, &conflict) && conflict.Event == "" && conflict.Expected == seen:
			report("lost %d", conflict.Actual)
		default:
			return err
		}
		// The next one is not contested by an expectation.
		if last, err = s.Events.Append(ctx, "run", driver.Expectation{}, batchOf(fmt.Sprintf("%s-%d-free", name, round), 2)); err != nil {
			return err
		}
		report("free %d", last)
	}
	return nil
}

// twoProcesses lets two processes append to one execution at once, again and
// again, while this one reads.
func twoProcesses(t *trial) {
	names := []string{"ann", "ben"}
	children := make([]*child, len(names))
	for i, name := range names {
		children[i] = t.startChild("contend", name)
	}
	for _, c := range children {
		c.mustLine()
	}
	t.append(t.Events, "run", batchOf("first", 1)...)
	last := uint64(1)
	for round := range t.rounds(15, 80) {
		tell := func(want string) (answers []uint64, words []string) {
			for _, c := range children {
				line := c.mustLine()
				word, number, _ := strings.Cut(line, " ")
				n, err := strconv.ParseUint(number, 10, 64)
				if err != nil || !strings.Contains(want, word) {
					t.fatal("another process reports", line, want+" and a number")
				}
				answers, words = append(answers, n), append(words, word)
			}
			return answers, words
		}
		proceed := func() {
			for _, c := range children {
				c.proceed()
			}
		}
		proceed()
		seen, _ := tell("seen")
		equal(t, "the last sequence that two processes see", seen, []uint64{last, last})
		proceed()
		// A loser may find the winner's next batch, too.
		told, words := tell("won lost")
		free, _ := tell("free")
		if words[0] == words[1] {
			t.fatal(fmt.Sprintf("round %d: two processes append, expecting %d", round, last), strings.Join(words, " and "), "one winner and one loser")
		}
		size := uint64(1 + round%3)
		winner := slices.Index(words, "won")
		equal(t, "the sequence that the winner was told", told[winner], last+size)
		if lost := told[1-winner]; lost != last+size && lost != last+size+2 {
			t.fatal("the sequence that the loser was told", fmt.Sprint(lost), fmt.Sprintf("%d, or %d", last+size, last+size+2))
		}
		slices.Sort(free)
		equal(t, "the sequences of two appends without expectation", free, []uint64{last + size + 2, last + size + 4})
		last += size + 4
		equal(t, "LatestSequence", t.latest(t.Events, "run"), last)
	}
	for _, c := range children {
		c.end()
	}
	log := t.load(t.Events, "run", 0)
	equal(t, "the number of events", uint64(len(log)), last)
	t.areWhole(log)
}
