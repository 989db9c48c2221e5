package driver

import "time"

// Limits that hold on every driver, so that data moves between them. Sizes are
// in bytes. Package enact enforces them before a driver is called.
const (
	// MaxIDBytes bounds every identifier.
	MaxIDBytes = 255
	// MaxPayloadBytes bounds one event's payload.
	MaxPayloadBytes = 8 << 20
	// MaxBatchEvents bounds the events of one append.
	MaxBatchEvents = 10_000
	// MaxBatchBytes bounds the payloads of one append, and the content,
	// metadata and embeddings of one upsert, taken together.
	MaxBatchBytes = 64 << 20
	// MaxValueBytes bounds one state value and one snapshot.
	MaxValueBytes = 64 << 20
	// MaxMessageBytes bounds content, parts and details of one message, and
	// title and metadata of one thread, taken together.
	MaxMessageBytes = 16 << 20
	// MaxDocumentBytes bounds content and metadata of one document, together.
	MaxDocumentBytes = 8 << 20
	// MaxBatchDocuments bounds the documents of one upsert and the IDs of one
	// delete.
	MaxBatchDocuments = 10_000
	// MaxDimension bounds the dimension of a collection. It is what the most
	// limited engine stores (pgvector's vector type: 16,000).
	MaxDimension = 16_000
	// MaxResults bounds the number of results of one search.
	MaxResults = 10_000
	// DefaultPageLimit is used where a page states no limit.
	DefaultPageLimit = 100
	// MaxPageLimit bounds the entries of one page.
	MaxPageLimit = 1_000
	// MaxFilterNodes bounds the conditions and values of one filter, together.
	MaxFilterNodes = 1_000
	// MaxFilterDepth bounds how deep a filter nests.
	MaxFilterDepth = 32
	// MaxTTL bounds a TTL, so that no expiry overflows an engine's clock.
	MaxTTL = 100 * 365 * 24 * time.Hour
)

// ValidateSize returns a *[TooLargeError] when size exceeds limit.
func ValidateSize(subject string, size, limit int, unit string) error {
	if size > limit {
		return &TooLargeError{Subject: subject, Size: size, Limit: limit, Unit: unit}
	}
	return nil
}

// Timestamp is t as stores keep it: UTC, to the microsecond, without a monotonic
// reading.
func Timestamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// ValidateTime refuses times outside the years 1 to 9999, which not every engine
// can keep. The zero time is fine: it means that the store stamps.
func ValidateTime(subject string, t time.Time) error {
	if year := t.UTC().Year(); year < 1 || year > 9999 {
		return Invalidf("%s is in the year %d; years 1 to 9999 can be kept", subject, year)
	}
	return nil
}
