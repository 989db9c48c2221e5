package testkit

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// GloVe is 50,000 real embeddings of words, in 100 dimensions, and others to ask with.
type GloVe struct {
	Words []string
	// Base are the words' embeddings, and Queries the others.
	Base, Queries [][]float32
	// Nearest are the places in Base of the ten nearest by cosine to each query, the
	// nearest first, as they were computed elsewhere.
	Nearest [][]uint32
}

const (
	gloveDimension = 100
	gloveNearest   = 10
)

// ReadGloVe reads the data from ENACT_TEST_DATA, or else from shared/data beside the
// repository, of which it is no part. ok is false, and the log says why, when it is not
// there.
func ReadGloVe(tb testing.TB) (data GloVe, ok bool) {
	tb.Helper()
	base, there := gloveFile(tb, "base.f32")
	if !there {
		return GloVe{}, false
	}
	read := func(name string) []byte {
		content, there := gloveFile(tb, name)
		if !there {
			tb.Fatalf("the data has no %s", name)
		}
		return content
	}
	data.Words = strings.Split(strings.TrimSpace(string(read("words.txt"))), "\n")
	data.Base, data.Queries = embeddings(rows(base, gloveDimension)), embeddings(rows(read("queries.f32"), gloveDimension))
	data.Nearest = rows(read("truth10.u32"), gloveNearest)
	return data, true
}

func gloveFile(tb testing.TB, name string) (content []byte, there bool) {
	tb.Helper()
	folder := os.Getenv("ENACT_TEST_DATA")
	if folder == "" {
		folder = filepath.Join("..", "..", "..", "shared", "data")
	}
	content, err := os.ReadFile(filepath.Join(folder, "glove100", name))
	if os.IsNotExist(err) {
		tb.Logf("the data set glove100 is not there (%v); set ENACT_TEST_DATA to the folder that it is in", err)
		return nil, false
	}
	Check(tb, err)
	return content, true
}

// rows reads numbers of 32 bits, so many to a row.
func rows(packed []byte, columns int) (all [][]uint32) {
	for ; len(packed) >= 4*columns; packed = packed[4*columns:] {
		row := make([]uint32, columns)
		for i := range row {
			row[i] = binary.LittleEndian.Uint32(packed[4*i:])
		}
		all = append(all, row)
	}
	return all
}

func embeddings(bits [][]uint32) [][]float32 {
	all := make([][]float32, len(bits))
	for i, row := range bits {
		all[i] = make([]float32, len(row))
		for j, b := range row {
			all[i][j] = math.Float32frombits(b)
		}
	}
	return all
}
