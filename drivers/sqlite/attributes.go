package sqlite

import (
	"encoding/json"

	"github.com/enactdev/enact/driver"
)

// The kinds of values in the attributes table. Integers and floats are one kind,
// which SQLite compares by exact value, as the contract wants.
const (
	kindNull = iota
	kindBool
	kindNumber
	kindString
	kindPresent // the field is there, and has no scalar in it
)

// attribute is a row of the table, without its document.
type attribute struct {
	kind  int
	value any
}

func attributeOf(v driver.Value) attribute {
	switch v.Kind() {
	case driver.KindBool:
		if v.AsBool() {
			return attribute{kindBool, 1}
		}
		return attribute{kindBool, 0}
	case driver.KindInt:
		return attribute{kindNumber, v.AsInt()}
	case driver.KindFloat:
		return attribute{kindNumber, v.AsFloat()}
	case driver.KindString:
		return attribute{kindString, []byte(v.AsString())}
	}
	return attribute{kindNull, 0}
}

// eachAttribute runs f for every row that the metadata of a document makes.
func eachAttribute(metadata []byte, f func(key []byte, a attribute) error) error {
	fields, err := driver.ParseMetadata(json.RawMessage(metadata))
	if err != nil {
		return err
	}
	for key, field := range fields {
		values := driver.ScalarsOf(field)
		if len(values) == 0 {
			if err := f([]byte(key), attribute{kindPresent, 0}); err != nil {
				return err
			}
		}
		for _, v := range values {
			if err := f([]byte(key), attributeOf(v)); err != nil {
				return err
			}
		}
	}
	return nil
}

func addAttributes(c *conn, collection, document int64, metadata []byte) error {
	return eachAttribute(metadata, func(key []byte, a attribute) error {
		return c.exec("INSERT OR IGNORE INTO attributes (collection, key, kind, value, document) VALUES (?, ?, ?, ?, ?)", collection, key, a.kind, a.value, document)
	})
}

func dropAttributes(c *conn, collection, document int64, metadata []byte) error {
	return eachAttribute(metadata, func(key []byte, a attribute) error {
		return c.exec("DELETE FROM attributes WHERE collection = ? AND key = ? AND kind = ? AND value = ? AND document = ?", collection, key, a.kind, a.value, document)
	})
}
