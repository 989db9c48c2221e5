// Command bench measures enact against hand-written code for the same engines and
// against what else people use, on this machine and in one run, and says which
// goals are reached.
//
//	go run .               everything, in 10 to 20 minutes; writes RESULTS.md and RESULTS.svg
//	go run . -quick        the same with less data and shorter samples, in under 3 minutes
//	go run . -json         prints JSON instead of the table
//	go run . -points 5,6   only these points; writes no file
//	go run . -dir DIR      works in a folder on the disk that is to be measured
//
// Servers of PostgreSQL and Redis are started for the run, on loopback, and stopped;
// where one is not installed its lines say so.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

// resultsFile is written into the working directory, with a chart beside it.
const resultsFile = "RESULTS.md"

// options are the command line.
type options struct {
	quick, json bool
	dir         string
	points      map[int]bool // empty: all
	profile     string
}

func main() {
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = execute(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (o options, err error) {
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.BoolVar(&o.quick, "quick", false, "measure less, in under 3 minutes")
	set.BoolVar(&o.json, "json", false, "print JSON instead of the table")
	set.StringVar(&o.dir, "dir", os.TempDir(), "work in a new folder in `DIR`, on the disk to measure")
	set.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile, in which the label contender names the side, to `FILE`")
	points := set.String("points", "", "measure only these `POINTS`, such as 5,6, and write no file")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if set.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q; see -help", set.Arg(0))
	}
	if *points == "" {
		return o, nil
	}
	o.points = map[int]bool{}
	for _, text := range strings.Split(*points, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || titles[n] == "" {
			return o, fmt.Errorf("there is no point %q; there are 1 to %d", text, len(titles))
		}
		o.points[n] = true
	}
	return o, nil
}

func execute(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r, err := measure(ctx, o)
	if err != nil {
		return err
	}
	chart := strings.TrimSuffix(resultsFile, ".md") + ".svg"
	if len(o.points) == 0 {
		if err := errors.Join(writeFile(resultsFile, func(f *os.File) error { return r.writeTable(f, filepath.Base(chart)) }), writeFile(chart, func(f *os.File) error { return r.writeChart(f) })); err != nil {
			return err
		}
	}
	if o.json {
		return r.writeJSON(os.Stdout)
	}
	return r.writeTable(os.Stdout, "")
}

// measure runs the points and leaves nothing behind.
func measure(ctx context.Context, o options) (r report, err error) {
	s := settingsFor(o.quick)
	r = report{Began: time.Now(), Quick: o.quick, Rounds: s.rounds, Sample: s.sample.String(), Machine: thisMachine()}
	b, err := newBench(o.dir, s, func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) })
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, b.stopServers(), b.close()) }()
	if o.profile != "" {
		file, err := os.Create(o.profile)
		if err != nil {
			return r, err
		}
		defer file.Close()
		if err := pprof.StartCPUProfile(file); err != nil {
			return r, err
		}
		defer pprof.StopCPUProfile()
	}
	if err := b.run(ctx, func(point int) bool { return len(o.points) == 0 || o.points[point] }); err != nil {
		return r, err
	}
	versions, err := b.serverVersions(ctx)
	r.Machine.Versions = append(r.Machine.Versions, versions...)
	r.Rows, r.Took = b.rows, time.Since(r.Began).Round(time.Second).String()
	return r, err
}

func writeFile(path string, write func(*os.File) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(write(file), file.Close())
}
