// Command indexer makes the text files of a directory searchable, as one durable
// execution, and shows that the execution survives being killed:
//
//	go run ./examples/indexer -dir DIR -crash-after 40
//	go run ./examples/indexer -dir DIR -ask "parse an IP address"
//
// The first command kills itself with SIGKILL in the middle. The second one says
// where it resumes, does the rest, and answers the question. Nothing that was
// finished is done again, and the log, the documents and the messages are those
// of a run that nobody disturbed. Press Ctrl-C, or kill it from outside, as often
// as you like. Once a run is complete, the next one begins when the directory has
// changed.
//
// All four stores are used. By default they share the file indexer.db in the
// working directory; -store names another one, such as postgres:///app, and -events,
// -state, -messages and -vectors one for each role.
//
//   - Events are the truth. Read journal.go first: every event has an ID that is
//     the same in every attempt, and every append states the last sequence that it
//     expects. That is all that is needed to go on after a crash and to keep a
//     second process out.
//   - State is a cache of snapshots (snapshot.go). Try -state memory: and lose it
//     each time; nothing changes.
//   - Messages are what people see (thread.go): a thread for each directory.
//   - Vectors are the documents (documents.go, ask.go). The embeddings are a
//     stand-in for a model's (embed.go).
//
// job.go is the run from its first event to its last, step.go what is done with a
// file, choose.go how a process finds out where to go on, and audit.go how the
// result is read back from the log.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/enactdev/enact"
	_ "github.com/enactdev/enact/drivers/memory"
	_ "github.com/enactdev/enact/drivers/postgres"
	_ "github.com/enactdev/enact/drivers/sqlite"
	_ "github.com/enactdev/enact/drivers/weaviate"
)

// tenant is whose data everything is.
const tenant enact.TenantID = "local"

// shutdownTimeout bounds how long the stores may take to close.
const shutdownTimeout = 10 * time.Second

// The exit codes.
const (
	exitOK = iota
	exitFailure
	exitUsage
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parseOptions(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	}
	err = execute(ctx, o, stdout, stderr)
	switch {
	case err == nil:
		return exitOK
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "indexer: interrupted; run this command again to go on")
	default:
		fmt.Fprintln(stderr, "indexer:", err)
	}
	return exitFailure
}

// execute lists the directory, opens the stores, brings the index up to date, and
// answers the question.
func execute(ctx context.Context, o options, stdout, stderr io.Writer) (err error) {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	config := o.config()
	files, err := walk(ctx, dir, storeFiles(config.Events, config.State, config.Messages, config.Vectors))
	if err != nil {
		return err
	}
	for _, path := range files.unreadable {
		fmt.Fprintf(stderr, "warning: %s cannot be listed and is left out\n", printable(path))
	}
	config.Logger = slog.New(slog.NewTextHandler(stderr, nil))
	rt, err := enact.Open(ctx, config)
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if closing := rt.Shutdown(ctx); err == nil {
			err = closing
		} else if closing != nil {
			err = fmt.Errorf("%w; and then: %w", err, closing)
		}
	}()
	people := stdout
	if o.json {
		people = stderr
	}
	x := &indexer{
		tenant: rt.Tenant(tenant), folder: newFolder(dir), files: files,
		crashAfter: o.crashAfter, crash: crash,
		notes: people, warnings: stderr, progress: newProgress(stderr),
	}
	r, err := x.index(ctx)
	if err != nil {
		return err
	}
	if o.ask != "" {
		if r.Hits, err = ask(ctx, x.tenant.Vectors, r.collection, o.ask); err != nil {
			return err
		}
	}
	r.print(people)
	if o.json {
		return r.printJSON(stdout)
	}
	return nil
}
