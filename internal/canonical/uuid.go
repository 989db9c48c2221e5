// Package canonical tells identifiers that are UUIDs from others, so that drivers can
// store them in fewer bytes.
package canonical

import "github.com/google/uuid"

// UUID returns the UUID that id is in lower case with hyphens; ok is false for any
// other identifier, also one that is the same UUID written in another way.
func UUID[S ~string](id S) (u uuid.UUID, ok bool) {
	if len(id) != 36 {
		return u, false
	}
	u, err := uuid.Parse(string(id))
	return u, err == nil && u.String() == string(id)
}
