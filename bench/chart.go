package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// The chart's measures, in its own units.
const (
	chartWidth = 1000
	labelWidth = 520
	barHeight  = 14
	barStep    = 22
	chartTop   = 56
	// chartLeast and chartMost are the ends of its logarithmic axis.
	chartLeast, chartMost = 0.1, 10.0
)

// writeChart draws a bar for each goal: how much of it is reached, on a logarithmic
// axis with a line where it is reached.
func (r report) writeChart(w io.Writer) error {
	var bars []row
	for _, row := range r.Rows {
		if row.Reached != nil {
			bars = append(bars, row)
		}
	}
	bottom := chartTop + barStep*len(bars)
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", chartWidth, bottom+16)
	fmt.Fprintf(&svg, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", chartWidth, bottom+16)
	fmt.Fprintf(&svg, `<text x="8" y="20" font-size="15" fill="#222222">How much of each goal is reached: 1 and more is all of it</text>`+"\n")
	for _, tick := range []float64{0.1, 0.2, 0.5, 1, 2, 5, 10} {
		x, stroke := chartX(tick), "#dddddd"
		if tick == 1 {
			stroke = "#222222"
		}
		fmt.Fprintf(&svg, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="%s"/><text x="%.1f" y="%d" text-anchor="middle" fill="#555555">%g</text>`+"\n",
			x, chartTop-8, x, bottom, stroke, x, chartTop-14, tick)
	}
	for i, bar := range bars {
		attained := bar.goal.attained(bar.Ratio.Median)
		from, to := chartX(1), chartX(attained)
		colour := "#2b7a4b"
		if !*bar.Reached {
			colour = "#b3402e"
		}
		y := chartTop + barStep*i
		fmt.Fprintf(&svg, `<text x="%d" y="%d" text-anchor="end" fill="#222222">%d. %s</text>`+"\n", labelWidth-8, y+barHeight-3, bar.Point, escaped(bar.What))
		fmt.Fprintf(&svg, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"><title>%s, goal %s</title></rect>`+"\n",
			min(from, to), y, max(1, math.Abs(to-from)), barHeight, colour, escaped(number(bar.Ratio.Median)), escaped(bar.Goal))
	}
	svg.WriteString("</svg>\n")
	_, err := io.WriteString(w, svg.String())
	return err
}

// chartX is where a value stands on the axis, at its end if it is beyond.
func chartX(value float64) float64 {
	value = min(max(value, chartLeast), chartMost)
	share := (math.Log(value) - math.Log(chartLeast)) / (math.Log(chartMost) - math.Log(chartLeast))
	return labelWidth + share*(chartWidth-labelWidth-24)
}

func escaped(text string) string {
	var out strings.Builder
	xml.EscapeText(&out, []byte(text)) // a strings.Builder takes everything
	return out.String()
}
