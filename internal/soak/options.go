package main

import (
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/enactdev/enact/internal/soak/store"
)

// options are what the soak is told to do.
type options struct {
	length  time.Duration
	seed    uint64
	kinds   []store.Kind
	faults  []store.Family
	verbose bool
}

func parse(args []string, errs io.Writer) (o options, err error) {
	flags := flag.NewFlagSet("soak", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.DurationVar(&o.length, "for", 10*time.Minute, "how long to go on")
	flags.Uint64Var(&o.seed, "seed", 0, "what chance is made from; 0: another each time")
	stores := flags.String("stores", names(store.Kinds), "which stores, by commas")
	faults := flags.String("faults", join(store.Families), "which faults, by commas; none: no faults")
	flags.BoolVar(&o.verbose, "v", false, "print every fault and every round")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is not a flag", flags.Arg(0))
	}
	if o.length <= 0 {
		return o, fmt.Errorf("-for %v is not a time to go on for", o.length)
	}
	for name := range strings.SplitSeq(*stores, ",") {
		i := slices.IndexFunc(store.Kinds, func(k store.Kind) bool { return k.Name == name })
		if i < 0 {
			return o, fmt.Errorf("-stores: there is no %q, only %s", name, names(store.Kinds))
		}
		o.kinds = append(o.kinds, store.Kinds[i])
	}
	if *faults == "none" {
		return o, nil
	}
	for name := range strings.SplitSeq(*faults, ",") {
		if !slices.Contains(store.Families, store.Family(name)) {
			return o, fmt.Errorf("-faults: there is no %q, only %s", name, join(store.Families))
		}
		o.faults = append(o.faults, store.Family(name))
	}
	return o, nil
}

// command is how to run the soak again.
func (o options) command() string {
	faults := "none"
	if len(o.faults) > 0 {
		faults = join(o.faults)
	}
	return fmt.Sprintf("go run ./internal/soak -for %v -seed %d -stores %s -faults %s", o.length, o.seed, names(o.kinds), faults)
}

func names(kinds []store.Kind) string {
	var all []string
	for _, k := range kinds {
		all = append(all, k.Name)
	}
	return strings.Join(all, ",")
}

func join(families []store.Family) string {
	var all []string
	for _, f := range families {
		all = append(all, string(f))
	}
	return strings.Join(all, ",")
}
