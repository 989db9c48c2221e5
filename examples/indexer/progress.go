package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress is a bar for people. It shows nothing when nobody is looking.
type progress struct {
	terminal io.Writer
	bar      *progressbar.ProgressBar
}

// newProgress draws on w if that is a terminal.
func newProgress(w io.Writer) *progress {
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &progress{terminal: w}
	}
	return &progress{}
}

// begin shows a bar for all files, of which some are done.
func (p *progress) begin(files, done int) {
	if p.terminal == nil || files == 0 {
		return
	}
	p.bar = progressbar.NewOptions(files,
		progressbar.OptionSetWriter(p.terminal),
		progressbar.OptionSetDescription("indexing"),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)
	p.add(done)
}

// step moves the bar by one file.
func (p *progress) step() { p.add(1) }

// end removes the bar.
func (p *progress) end() {
	if p.bar != nil {
		// A bar that cannot be drawn is no reason to stop.
		_ = p.bar.Clear()
	}
}

func (p *progress) add(files int) {
	if p.bar != nil {
		_ = p.bar.Add(files)
	}
}
