package postgres

import (
	"github.com/google/uuid"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/canonical"
)

// packID returns how the ID of an event is stored: a UUID in its 16 bytes, which
// saves a fifth of what an event takes beside its payload, and any other ID as it is.
// Where that has 16 bytes, too, a NUL follows, which no ID contains.
func packID(id driver.EventID) []byte { return appendPackedID(nil, id) }

// appendPackedID appends what packID returns.
func appendPackedID(buffer []byte, id driver.EventID) []byte {
	if u, ok := canonical.UUID(id); ok {
		return append(buffer, u[:]...)
	}
	buffer = append(buffer, id...)
	if len(id) == len(uuid.UUID{}) {
		buffer = append(buffer, 0)
	}
	return buffer
}

// unpackID returns the ID that packID has made stored of.
func unpackID(stored []byte) driver.EventID {
	switch n := len(stored); {
	case n == len(uuid.UUID{}):
		return driver.EventID(uuid.UUID(stored).String())
	case n == len(uuid.UUID{})+1 && stored[n-1] == 0:
		return driver.EventID(stored[:n-1])
	}
	return driver.EventID(stored)
}
