package main

import (
	"context"
	"fmt"

	"github.com/enactdev/enact"
)

const maxHits = 5

// hit is a chunk that is like the question.
type hit struct {
	Score float64 `json:"score"`
	File  string  `json:"file"`
	Line  int     `json:"line"`
	Text  string  `json:"text"`

	excerpt []numbered
}

// ask finds the chunks that are most like the question, best first.
func ask(ctx context.Context, vectors *enact.VectorStore, collection, question string) ([]hit, error) {
	result, err := vectors.Search(ctx, collection, enact.Query{
		Embedding: embed(question), Limit: maxHits, Fields: enact.Fields{Content: true, Metadata: true},
	})
	if err != nil {
		return nil, fmt.Errorf("ask: %w", err)
	}
	hits := []hit{}
	for _, match := range result.Matches {
		from, err := originOf(match.Document)
		if err != nil {
			return nil, fmt.Errorf("ask: %w", err)
		}
		hits = append(hits, hit{match.Score, from.File, from.Line, match.Content, excerptOf(match.Content, from.Line, question)})
	}
	return hits, nil
}
