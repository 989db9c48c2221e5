package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// someReport has a row of each kind.
func someReport() report {
	compared := func(what string, ratio float64, g goal) row {
		r := row{Point: 2, What: what, Unit: perSecond, Same: "the disk | is the same", Ours: side{"enact", 12_345.6}, Other: &side{"other", 6_000}, Ratio: &spread{ratio, ratio / 2, ratio * 2}}
		r.setGoal(g)
		return r
	}
	return report{
		Began: time.Date(2026, 11, 23, 23, 30, 0, 0, time.FixedZone("", -3600)), Took: "3m0s", Rounds: 5, Sample: "1s",
		Machine: machine{CPU: "A & B <C>", Cores: 2, System: "linux/amd64", Go: "go1.26", Versions: []version{{"peer", "v1.2.3"}}},
		Rows: []row{
			{Point: 1, What: "raw fsync", Unit: perSecond, Ours: side{"fsync", 4711}, Note: "4 KiB"},
			compared("reached & <good>", 2, atLeast(1)), compared("missed | badly", 3, atMost(1.5)), compared("only shown", 4, goal{}),
			skipped(3, "PostgreSQL", "no server is installed"),
		},
	}
}

func TestTable(t *testing.T) {
	var text strings.Builder
	if err := someReport().writeTable(&text, "chart.svg"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"2026-11-24", "1 of 2 goals", "| peer | v1.2.3 |", "4,711 1/s", "![", "(chart.svg)", "## 2. SQLite, 64 goroutines", "## 3. PostgreSQL, 64 goroutines",
		"12,346 (enact)", "6,000 (other)", "| 2 | 1 to 4 | ≥ 1 × | yes |", `missed \| badly`, "| ≤ 1.5 × | **no** |", "not measured: no server is installed", "5 times", "1s each",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the table lacks %q:\n%s", want, text.String())
		}
	}
	if n := strings.Count(text.String(), "the disk | is the same"); n != 1 {
		t.Errorf("a condition of three rows is there %d times, want once", n)
	}
	// Every line of a table has as many cells as its head.
	columns := 0
	for line := range strings.Lines(text.String()) {
		cells := strings.Count(line, "|") - strings.Count(line, `\|`)
		switch {
		case !strings.HasPrefix(line, "|"):
			columns = 0
		case columns == 0:
			columns = cells
		case cells != columns:
			t.Errorf("a line has %d cells, the table's head %d: %s", cells-1, columns-1, line)
		}
	}
}

func TestTableWarnsOfABusyMachine(t *testing.T) {
	for load, busy := range map[string]bool{"": false, "1.99 9 9": false, "2.01 0 0": true} {
		r := someReport()
		r.Machine.Load = load
		var text strings.Builder
		if err := r.writeTable(&text, ""); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(text.String(), busyMachine); got != busy {
			t.Errorf("with 2 cores and the load %q the table warns: %t, want %t", load, got, busy)
		}
	}
}

func TestNumbers(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 0.12345: "0.123", 99.5: "99.5", 100: "100", 999.6: "1,000", 1234567: "1,234,567", -12: "-12", -123456: "-123,456"} {
		if got := number(x); got != want {
			t.Errorf("%v is written %q, want %q", x, got, want)
		}
	}
}

func TestChartIsWellFormed(t *testing.T) {
	var svg bytes.Buffer
	if err := someReport().writeChart(&svg); err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(bytes.NewReader(svg.Bytes()))
	var bars []string // their colours
	var texts strings.Builder
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the chart is not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.CharData:
			texts.Write(token)
		case xml.StartElement:
			var colour, height string
			for _, a := range token.Attr {
				switch a.Name.Local {
				case "fill":
					colour = a.Value
				case "height":
					height = a.Value
				case "x", "x1", "width":
					if strings.Contains(a.Value, "NaN") || strings.Contains(a.Value, "Inf") || strings.HasPrefix(a.Value, "-") {
						t.Errorf("%s has %s=%q", token.Name.Local, a.Name.Local, a.Value)
					}
				}
			}
			if token.Name.Local == "rect" && height == "14" {
				bars = append(bars, colour)
			}
		}
	}
	if len(bars) != 2 || bars[0] == bars[1] {
		t.Errorf("the bars are %v, want one for each goal, in two colours", bars)
	}
	if !strings.Contains(texts.String(), "reached & <good>") || strings.Contains(texts.String(), "only shown") {
		t.Errorf("the chart's texts are %q, want those of rows with a goal", texts.String())
	}
}

func TestChartStaysInside(t *testing.T) {
	for value, want := range map[float64]float64{0: labelWidth, 0.1: labelWidth, 10: chartWidth - 24, 1e9: chartWidth - 24} {
		if got := chartX(value); got != want {
			t.Errorf("%v is at %v, want %v", value, got, want)
		}
	}
	if half := chartX(1); half != labelWidth+(chartWidth-labelWidth-24)/2 {
		t.Errorf("1 is at %v, want the middle", half)
	}
}

func TestJSON(t *testing.T) {
	var text bytes.Buffer
	if err := someReport().writeJSON(&text); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Machine struct{ CPU string }
		Rows    []struct {
			What    string
			Reached *bool
			Ratio   *struct{ Median, Low, High float64 }
			Skipped string
		}
	}
	if err := json.Unmarshal(text.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Rows) != 5 || back.Machine.CPU != "A & B <C>" || !*back.Rows[1].Reached || *back.Rows[2].Reached || back.Rows[3].Reached != nil || back.Rows[1].Ratio.Median != 2 || back.Rows[4].Skipped == "" {
		t.Errorf("the report as JSON is %s", text.String())
	}
}
