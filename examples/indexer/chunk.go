package main

import "strings"

// Chunks overlap, so that what stands at the end of one is found with what
// follows it, too.
const (
	chunkLines   = 40
	chunkOverlap = 8
)

// chunk is a piece of a text: the lines from first to last, counted from 1.
type chunk struct {
	first, last int
	text        string
}

// split cuts a text into chunks and leaves out blank ones. The same text always
// gives the same chunks: that is what makes a repeated step harmless.
func split(text string) []chunk {
	if text == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var chunks []chunk
	for start := 0; ; start += chunkLines - chunkOverlap {
		end := min(start+chunkLines, len(lines))
		if piece := strings.Join(lines[start:end], "\n"); strings.TrimSpace(piece) != "" {
			chunks = append(chunks, chunk{start + 1, end, piece})
		}
		if end == len(lines) {
			return chunks
		}
	}
}
