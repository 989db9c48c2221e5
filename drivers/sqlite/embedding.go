package sqlite

import (
	"encoding/binary"
	"math"
)

// packEmbedding writes float32 components in little-endian order.
func packEmbedding(embedding []float32) []byte {
	packed := make([]byte, 0, 4*len(embedding))
	for _, x := range embedding {
		packed = binary.LittleEndian.AppendUint32(packed, math.Float32bits(x))
	}
	return packed
}

func unpackEmbedding(packed []byte) []float32 {
	embedding := make([]float32, len(packed)/4)
	unpackInto(embedding, packed)
	return embedding
}

func unpackInto(embedding []float32, packed []byte) {
	// Four at a time, within bounds that are checked once.
	for ; len(embedding) >= 4 && len(packed) >= 16; embedding, packed = embedding[4:], packed[16:] {
		embedding[0] = math.Float32frombits(binary.LittleEndian.Uint32(packed[0:4]))
		embedding[1] = math.Float32frombits(binary.LittleEndian.Uint32(packed[4:8]))
		embedding[2] = math.Float32frombits(binary.LittleEndian.Uint32(packed[8:12]))
		embedding[3] = math.Float32frombits(binary.LittleEndian.Uint32(packed[12:16]))
	}
	for i := range embedding {
		embedding[i] = math.Float32frombits(binary.LittleEndian.Uint32(packed[4*i:]))
	}
}
