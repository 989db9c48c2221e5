// Package canonical tells identifiers that are UUIDs from others, so that drivers can
// store them in fewer bytes.
package canonical

import (
	"encoding/hex"
	"strings"

	"github.com/google/uuid"
)

// Length is that of a UUID in lower case with hyphens.
const Length = 36

// UUID returns the UUID that id is in lower case with hyphens; ok is false for any
// other identifier, also one that is the same UUID written in another way.
func UUID[S ~string](id S) (u uuid.UUID, ok bool) {
	// Of this length Parse takes only the form with hyphens, in either case.
	if len(id) != Length || strings.ContainsAny(string(id), "ABCDEF") {
		return u, false
	}
	u, err := uuid.Parse(string(id))
	return u, err == nil
}

// Append appends what u.String returns.
func Append(text []byte, u uuid.UUID) []byte {
	text = append(hex.AppendEncode(text, u[:4]), '-')
	text = append(hex.AppendEncode(text, u[4:6]), '-')
	text = append(hex.AppendEncode(text, u[6:8]), '-')
	text = append(hex.AppendEncode(text, u[8:10]), '-')
	return hex.AppendEncode(text, u[10:])
}
