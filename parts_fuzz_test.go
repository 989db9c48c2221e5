package enact

import (
	"bytes"
	"testing"

	"github.com/enactdev/enact/driver"
)

// FuzzParts: parts that are accepted come back byte for byte and can neither be
// joined, split nor smuggled in by others (M6); what is in a store is read or refused.
func FuzzParts(f *testing.F) {
	for _, part := range []string{`{"type":"text","text":"a"}`, " {\"type\" : \"x\"}\n", `{"type":"]},{"}`, `{"type":""}`, `{"type":"a"},{"type":"b"}`, `{"type":"a"}]`, `[{"type":"a"}]`, `{"type":"a","n":1e400}`, "{\"type\":\"\xff\"}", `null`, ``, `{"TYPE":"a"}`, `{"type":"a","type":7}`, "{\"type\":\"a\"}\v", "\ufeff{\"type\":\"a\"}"} {
		f.Add([]byte(part), []byte(`{"type":"y"}`))
		f.Add([]byte(`{"type":"y","a":"],["}`), []byte(part))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		for _, parts := range [][]Part{{a}, {a, b}, {b, a, b}} {
			array, err := encodeParts(parts)
			if err != nil {
				continue
			}
			got, err := decodeParts(array)
			if err != nil || len(got) != len(parts) {
				t.Fatalf("parts %q came back as %q, error %v", parts, got, err)
			}
			for i := range parts {
				if !bytes.Equal(got[i], parts[i]) || got[i].Type() == "" {
					t.Errorf("part %q came back as %q", parts[i], got[i])
				}
			}
		}
		message, err := decodeMessage(driver.Message{ID: "m", Thread: "t", Role: "user", Parts: a, Details: b})
		if err == nil && message.ID != "m" {
			t.Errorf("the message is %+v", message)
		}
	})
}
