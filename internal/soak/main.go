// Command soak loads stores for a long time with all roles, while processes and
// servers are killed, connections cut and stalled and disks filled, and judges
// everything that it reads by what was acknowledged.
//
//	go run ./internal/soak -for 10m
//
// It prints a line a minute and a verdict. It ends with 1 if a rule of the contract was
// broken, or memory, goroutines or files grew; the verdict then says which, and how to
// run it again. It ends with 2 if it could not do what it was told: also when a server
// is not installed, unless -stores names others only.
//
// Two runs with one seed draw the same chances. What meets what is up to the machine, so
// that the second may take longer to find what the first has found.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/enactdev/enact/internal/soak/client"
)

// What the process ends with.
const (
	exitBroken  = 1
	exitNotDone = 2
)

func main() {
	client.Play()
	os.Exit(run(os.Args[1:]))
}

func run(args []string) int {
	o, err := parse(args, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		return exitNotDone
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano())
	}
	kinds := o.kinds
	o.kinds = nil
	missing := false
	for _, kind := range kinds {
		if why := kind.Missing(); why != "" {
			fmt.Printf("without %s: %s\n", kind.Name, why)
			missing = missing || !kind.Optional
			continue
		}
		o.kinds = append(o.kinds, kind)
	}
	if len(o.kinds) == 0 {
		fmt.Fprintln(os.Stderr, "soak: there is no store to load")
		return exitNotDone
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer release()
	s := newSoak(o)
	switch err := s.run(ctx); {
	case ctx.Err() != nil:
		fmt.Println("interrupted after", s.elapsed())
		return exitNotDone
	case errors.Is(err, errNotDone):
		fmt.Fprintln(os.Stderr, "soak:", err)
		return exitNotDone
	case err != nil:
		fmt.Printf("BROKEN after %v: %v\nseed %d; to run it again: %s\n", s.elapsed(), err, o.seed, o.command())
		return exitBroken
	case missing:
		fmt.Printf("%s, but a store is missing: install it, or name the others in -stores\n", s.verdict())
		return exitNotDone
	}
	fmt.Println(s.verdict())
	return 0
}
