package postgres

import (
	"encoding/binary"
	"fmt"
	"math"
)

// vectorHeader is what pgvector's binary form of a vector begins with: the
// dimension and two bytes that are zero. Components follow, in network order.
const vectorHeader = 4

// unpackEmbedding reads what the extension's vector_send wrote.
func unpackEmbedding(packed []byte) ([]float32, error) {
	n := (len(packed) - vectorHeader) / 4
	if len(packed) < vectorHeader || int(binary.BigEndian.Uint16(packed)) != n {
		return nil, fmt.Errorf("an embedding of %d bytes, which is not as pgvector sends it", len(packed))
	}
	embedding := make([]float32, n)
	for i := range embedding {
		embedding[i] = math.Float32frombits(binary.BigEndian.Uint32(packed[vectorHeader+4*i:]))
	}
	return embedding, nil
}
