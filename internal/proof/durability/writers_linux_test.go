package durability

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/enactdev/enact"
)

// A writer makes writes one after the other, each of which follows from its number,
// counted from 0. So a store shows how many of them it has seen.
type writer interface {
	// write makes write n. The receipt is what the store answered.
	write(ctx context.Context, t *enact.Tenant, n int) (receipt uint64, err error)
	// marked says whether write n stores its mark.
	marked(n int) bool
	// check compares the store with what the first n writes leave there. Receipts
	// are those of the writes that were acknowledged.
	check(ctx context.Context, t *enact.Tenant, n int, receipts []uint64) error
}

// writers are who writes to a store at the same time. Two share an execution.
var writers = map[string]writer{
	"shared1":  eventWriter{"shared1", "shared", 0},
	"shared2":  eventWriter{"shared2", "shared", 0},
	"large":    eventWriter{"large", "large", 16 << 10},
	"state":    stateWriter{},
	"messages": messageWriter{},
	"vectors":  vectorWriter{},
}

var writerNames = slices.Sorted(maps.Keys(writers))

// mark is stored with a write, and found in what is written to the disk.
func mark(writer string, n int) string { return fmt.Sprintf("[[%s:%06d]]", writer, n) }

// content begins with the mark of a write, and all of it follows from the write.
func content(writer string, n, size int) string {
	hash := fnv.New64a()
	hash.Write([]byte(writer))
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], hash.Sum64())
	binary.LittleEndian.PutUint64(seed[8:], uint64(n))
	random := make([]byte, size/2)
	rand.NewChaCha8(seed).Read(random)
	return mark(writer, n) + hex.EncodeToString(random)
}
