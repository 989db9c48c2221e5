package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/enactdev/enact"
)

// options are what the command line says.
type options struct {
	dir                              string
	store                            string
	events, state, messages, vectors string
	crashAfter                       int
	ask                              string
	json, airGapped                  bool
}

// parseOptions says on stderr what is wrong with the arguments.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("indexer", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.dir, "dir", "", "index the text files below this `directory` (required)")
	flags.StringVar(&o.store, "store", "sqlite:indexer.db", "keep everything in the store with this `URL`")
	flags.StringVar(&o.events, "events", "", "keep events in the store with this `URL` instead")
	flags.StringVar(&o.state, "state", "", "keep state in the store with this `URL` instead")
	flags.StringVar(&o.messages, "messages", "", "keep messages in the store with this `URL` instead")
	flags.StringVar(&o.vectors, "vectors", "", "keep vectors in the store with this `URL` instead")
	flags.IntVar(&o.crashAfter, "crash-after", 0, "kill this process after `N` completed steps; 0: never")
	flags.StringVar(&o.ask, "ask", "", "then show the pieces of text that are most like these `words`")
	flags.BoolVar(&o.json, "json", false, "write one JSON object to stdout, and what is for people to stderr")
	flags.BoolVar(&o.airGapped, "air-gapped", false, "refuse stores that need the network")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	wrong := func() error {
		switch {
		case flags.NArg() > 0:
			return fmt.Errorf("unexpected argument %q; everything is given by flags, see -help", flags.Arg(0))
		case o.dir == "":
			return errors.New("no directory is given; name one with -dir, with -ask as well")
		case o.crashAfter < 0:
			return fmt.Errorf("-crash-after %d is negative; give a number of steps", o.crashAfter)
		case o.ask != "" && len(identifiers(o.ask)) == 0:
			return fmt.Errorf("-ask %q has no words; give some", o.ask)
		}
		return nil
	}()
	if wrong != nil {
		fmt.Fprintln(stderr, "indexer:", wrong)
	}
	return o, wrong
}

// config says which stores to open.
func (o options) config() enact.Config {
	return enact.Config{
		Events:    cmp.Or(o.events, o.store),
		State:     cmp.Or(o.state, o.store),
		Messages:  cmp.Or(o.messages, o.store),
		Vectors:   cmp.Or(o.vectors, o.store),
		AirGapped: o.airGapped,
	}
}
