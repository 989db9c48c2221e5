package driver

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// Cursor marks a position in a listing. It is opaque: made by the store, given
// back as it is, good only for the listing that made it. Empty is the beginning,
// and as a result: the end.
type Cursor string

// Page asks for a part of a listing.
type Page struct {
	// Limit is the largest number of entries to return, 1 to [MaxPageLimit].
	// Zero, for applications, stands for [DefaultPageLimit]; a driver never
	// sees it.
	Limit int
	// Cursor is empty or what the page before returned.
	Cursor Cursor
}

// Normalize fills in the default limit and refuses a bad one.
func (p Page) Normalize() (Page, error) {
	if p.Limit == 0 {
		p.Limit = DefaultPageLimit
	}
	if p.Limit < 0 || p.Limit > MaxPageLimit {
		return p, Invalidf("page limit %d; it must be 1 to %d, or 0 for %d", p.Limit, MaxPageLimit, DefaultPageLimit)
	}
	return p, nil
}

// EncodeCursor makes a cursor from a position in the listing called scope.
// Everything that selects the listing belongs in scope, the tenant included:
// a cursor is refused anywhere else. A cursor is no secret and no permission;
// the checksum is against mistakes, and the tenant's wall does not rest on it.
func EncodeCursor(scope string, position ...string) Cursor {
	var body []byte
	for _, part := range position {
		body = binary.AppendUvarint(body, uint64(len(part)))
		body = append(body, part...)
	}
	body = binary.BigEndian.AppendUint32(body, cursorSum(scope, body))
	return Cursor(base64.RawURLEncoding.EncodeToString(body))
}

// DecodeCursor returns the parts of a cursor's position. A cursor that was
// truncated, changed, made for another scope, or that has not exactly parts
// parts is [ErrInvalid].
func DecodeCursor(scope string, cursor Cursor, parts int) ([]string, error) {
	bad := Invalidf("cursor does not belong to this listing; start again without one")
	body, err := base64.RawURLEncoding.Strict().DecodeString(string(cursor))
	if err != nil || len(body) < 4 || strings.ContainsAny(string(cursor), "\r\n") {
		return nil, bad
	}
	body, sum := body[:len(body)-4], binary.BigEndian.Uint32(body[len(body)-4:])
	if sum != cursorSum(scope, body) {
		return nil, bad
	}
	position := make([]string, 0, parts)
	for len(body) > 0 {
		n, used := binary.Uvarint(body)
		if used <= 0 || n > uint64(len(body)-used) {
			return nil, bad
		}
		position = append(position, string(body[used:used+int(n)]))
		body = body[used+int(n):]
	}
	if len(position) != parts {
		return nil, bad
	}
	return position, nil
}

func cursorSum(scope string, body []byte) uint32 {
	sum := crc32.ChecksumIEEE(binary.AppendUvarint(nil, uint64(len(scope))))
	sum = crc32.Update(sum, crc32.IEEETable, []byte(scope))
	return crc32.Update(sum, crc32.IEEETable, body)
}

// Scope names a listing for [EncodeCursor], from the kind of listing and
// whatever selects it, so that no two selections share a name.
func Scope(parts ...string) string {
	var scope []byte
	for _, part := range parts {
		scope = binary.AppendUvarint(scope, uint64(len(part)))
		scope = append(scope, part...)
	}
	return string(scope)
}
