package main

import "strings"

// excerptLines is how much of a chunk people get to see.
const excerptLines = 4

// numbered is a line of a file.
type numbered struct {
	line int
	text string
}

// excerptOf returns the adjacent lines of a chunk that have most in common with
// the question, blank ones left out. The chunk begins at line first.
func excerptOf(text string, first int, question string) []numbered {
	var lines []numbered
	for i, line := range strings.Split(text, "\n") {
		if line = strings.TrimRight(line, "\r\t "); line != "" {
			lines = append(lines, numbered{first + i, line})
		}
	}
	wanted := map[string]float64{}
	for _, f := range featuresOf(question) {
		wanted[f.name] = f.weight
	}
	best, most := 0, 0.0
	for i := range max(0, len(lines)-excerptLines) + 1 {
		window := lines[i:min(i+excerptLines, len(lines))]
		// Of windows that have the same, the one that begins with it is best.
		if score := inCommon(wanted, window) + inCommon(wanted, window[:min(1, len(window))])/2; score > most {
			best, most = i, score
		}
	}
	return lines[best:min(best+excerptLines, len(lines))]
}

// inCommon is the weight of the wanted features that the lines have.
func inCommon(wanted map[string]float64, lines []numbered) float64 {
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(line.text + "\n")
	}
	sum := 0.0
	for _, f := range featuresOf(text.String()) {
		sum += wanted[f.name]
	}
	return sum
}
