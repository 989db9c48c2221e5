package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// writeTable writes the report as Markdown. chart is the file beside it; empty:
// there is none.
func (r report) writeTable(w io.Writer, chart string) error {
	var text strings.Builder
	r.head(&text, chart)
	point := 0
	for _, row := range r.Rows {
		if row.Point != point {
			point = row.Point
			fmt.Fprintf(&text, "\n## %d. %s\n\n| what | unit | enact | against | ratio | lowest to highest | goal | reached |\n|---|---|---:|---:|---:|---:|---|---|\n", point, titles[point])
		}
		text.WriteString(row.cells() + "\n")
	}
	r.conditions(&text)
	_, err := io.WriteString(w, text.String())
	return err
}

// busyMachine warns of a run whose figures mean little.
const busyMachine = "**The machine was busy with other work when the run began** (see the load average): rounds differ widely, and a goal may be missed or reached by chance."

func (r report) head(text *strings.Builder, chart string) {
	command := "go run ."
	if r.Quick {
		command += " -quick"
	}
	judged := 0
	for _, row := range r.Rows {
		if row.Reached != nil {
			judged++
		}
	}
	fmt.Fprintf(text, "# Results\n\nWritten by `%s` in `bench/`, %s, in %s. %d of %d goals are reached.\n\n", command, r.Began.UTC().Format(time.DateOnly), r.Took, judged-len(r.missed()), judged)
	fmt.Fprintf(text, "Both sides of a line are measured in turns in one run: once to warm up and %d times that count, %s each unless the work itself has a length. "+
		"Figures are medians of these rounds. The ratio is the median of the rounds' own ratios, enact over the other, beside the lowest and the highest.\n\n", r.Rounds, r.Sample)
	if r.Machine.busy() {
		text.WriteString(busyMachine + "\n\n")
	}
	fmt.Fprintf(text, "| machine | |\n|---|---|\n| processor | %s, %d cores |\n| system | %s |\n| Go | %s |\n", cell(r.Machine.CPU), r.Machine.Cores, cell(r.Machine.System), cell(r.Machine.Go))
	if r.Machine.Load != "" {
		fmt.Fprintf(text, "| load average at the beginning | %s |\n", cell(r.Machine.Load))
	}
	for _, v := range r.Machine.Versions {
		fmt.Fprintf(text, "| %s | %s |\n", cell(v.Name), cell(v.Version))
	}
	for _, row := range r.Rows {
		if row.Other == nil && row.Skipped == "" {
			fmt.Fprintf(text, "| %s (%s) | %s %s |\n", cell(row.What), cell(row.Note), number(row.Ours.Value), row.Unit)
		}
	}
	if chart != "" {
		fmt.Fprintf(text, "\n![How much of each goal is reached](%s)\n", chart)
	}
}

// conditions lists what both sides have in common, and notes.
func (r report) conditions(text *strings.Builder) {
	text.WriteString("\n## Conditions\n\n")
	seen := map[string]bool{}
	for _, row := range r.Rows {
		for _, condition := range []string{row.Same, row.Note} {
			line := fmt.Sprintf("- %d, %s: %s.\n", row.Point, row.What, condition)
			if condition == row.Same {
				line = fmt.Sprintf("- %d: %s.\n", row.Point, condition)
			}
			if condition != "" && !seen[line] {
				seen[line] = true
				text.WriteString(line)
			}
		}
	}
}

// cells is the row as a line of the table.
func (r row) cells() string {
	if r.Skipped != "" {
		return fmt.Sprintf("| %s | | | | | | | not measured: %s |", cell(r.What), cell(r.Skipped))
	}
	if r.Other == nil {
		return fmt.Sprintf("| %s | %s | %s | | | | | |", cell(r.What), r.Unit, number(r.Ours.Value))
	}
	reached := "–"
	if r.Reached != nil {
		reached = map[bool]string{true: "yes", false: "**no**"}[*r.Reached]
	}
	return fmt.Sprintf("| %s | %s | %s (%s) | %s (%s) | %s | %s to %s | %s | %s |", cell(r.What), r.Unit,
		number(r.Ours.Value), cell(r.Ours.Name), number(r.Other.Value), cell(r.Other.Name), number(r.Ratio.Median), number(r.Ratio.Low), number(r.Ratio.High), cell(r.Goal), reached)
}

// line is the row for a terminal.
func (r row) line() string {
	switch {
	case r.Skipped != "":
		return fmt.Sprintf("   %s: not measured: %s", r.What, r.Skipped)
	case r.Other == nil:
		return fmt.Sprintf("   %s: %s %s", r.What, number(r.Ours.Value), r.Unit)
	}
	verdict := ""
	if r.Reached != nil {
		verdict = ", goal " + r.Goal + map[bool]string{true: " reached", false: " MISSED"}[*r.Reached]
	}
	return fmt.Sprintf("   %s: %s against %s %s, ratio %s (%s to %s)%s", r.What, number(r.Ours.Value), number(r.Other.Value), r.Unit,
		number(r.Ratio.Median), number(r.Ratio.Low), number(r.Ratio.High), verdict)
}

// cell keeps text inside its cell.
func cell(text string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(text)
}

// number writes three digits of what is small, and all before the point of what is
// large.
func number(x float64) string {
	if x > -100 && x < 100 {
		return strconv.FormatFloat(x, 'g', 3, 64)
	}
	digits := strconv.FormatFloat(x, 'f', 0, 64)
	for at := len(digits) - 3; at > 0 && digits[at-1] != '-'; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}
