package weaviate

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-openapi/strfmt"
	"github.com/google/uuid"

	"github.com/enactdev/enact/driver"
)

// Classes that the driver makes begin with this, and go on with what they hold.
const classPrefix = "Enact"

// classMetrics are parts of the names of classes.
var classMetrics = map[driver.Metric]string{driver.Cosine: "Cosine_", driver.Dot: "Dot_", driver.Euclidean: "Euclidean_"}

// longestEncoded bounds what the name of a collection takes of the name of a class,
// which has at most 255 letters.
const longestEncoded = 180

// className returns the class for collections of a name and a metric. It names
// classes by small letters and digits, and each other byte as _ and two digits, since
// Weaviate takes two classes whose names differ in case only for one. A name that
// gets too long ends in a hash; the class's description has it whole.
func className(name string, metric driver.Metric) string {
	var text strings.Builder
	for i := range len(name) {
		if c := name[i]; c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			text.WriteByte(c)
		} else {
			fmt.Fprintf(&text, "_%02x", c)
		}
	}
	encoded := text.String()
	if len(encoded) > longestEncoded {
		encoded = encoded[:longestEncoded-60] + "__" + digest("collection", name)
	}
	return classPrefix + classMetrics[metric] + encoded
}

// digest returns 32 letters and digits for strings, others for any other strings.
func digest(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		hash.Write(binary.AppendUvarint(nil, uint64(len(part))))
		hash.Write([]byte(part))
	}
	return strings.ToLower(base32.StdEncoding.EncodeToString(hash.Sum(nil)[:20]))
}

// longestReadable is how much of a tenant's ID its name in Weaviate begins with.
const longestReadable = 16

// tenantName returns the name in Weaviate of a tenant in a namespace: a little of its
// ID, for those who look, and a hash that tells it from any other.
func tenantName(namespace, tenant string) string {
	readable := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return -1
	}, strings.ToLower(tenant))
	return readable[:min(len(readable), longestReadable)] + "-" + digest("tenant", namespace, tenant)
}

// dataTenant returns the name in Weaviate of a tenant's share of a collection that was
// made the generation'th time.
func dataTenant(tenant string, generation uint64) string {
	return tenant + "-" + strconv.FormatUint(generation, 36)
}

// idSpace is where UUIDs of the driver's objects come from.
var idSpace = uuid.MustParse("5a9c5a3e-6c52-5a52-8f0b-0d4d6c3b3f9e")

// objectID returns the UUID for a document's ID, or for a collection's name.
func objectID(id string) strfmt.UUID { return strfmt.UUID(uuid.NewSHA1(idSpace, []byte(id)).String()) }
