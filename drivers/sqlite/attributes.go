package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

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

// scalar is the inverse of attributeOf, for a row of the table as it is scanned.
func (a attribute) scalar() driver.Value {
	switch value := a.value.(type) {
	case float64:
		return driver.Float(value)
	case []byte:
		return driver.String(string(value))
	case int64:
		switch a.kind {
		case kindNumber:
			return driver.Int(value)
		case kindBool:
			return driver.Bool(value != 0)
		}
	}
	return driver.Null()
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

// attributeRow is a row of the table, without its collection.
type attributeRow struct {
	key []byte
	attribute
	document int64
}

// appendAttributes adds the rows that the metadata of a document makes.
func appendAttributes(rows []attributeRow, document int64, metadata []byte) ([]attributeRow, error) {
	err := eachAttribute(metadata, func(key []byte, a attribute) error {
		rows = append(rows, attributeRow{key, a, document})
		return nil
	})
	return rows, err
}

// attributesAtOnce is how many rows one statement inserts, as long as there are so
// many.
const attributesAtOnce = 64

const (
	insertAttributes = "INSERT OR IGNORE INTO attributes (collection, key, kind, value, document) VALUES "
	attributeValues  = "(?, ?, ?, ?, ?)"
)

var insertManyAttributes = insertAttributes + attributeValues + strings.Repeat(", "+attributeValues, attributesAtOnce-1)

// addAttributes inserts rows in the order of the table's key, in which neighbours
// are on one page.
func addAttributes(ctx context.Context, c *conn, collection int64, rows []attributeRow) error {
	slices.SortStableFunc(rows, func(a, b attributeRow) int {
		return cmp.Or(bytes.Compare(a.key, b.key), cmp.Compare(a.kind, b.kind))
	})
	args := make([]any, 0, 5*attributesAtOnce)
	for len(rows) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, query := 1, insertAttributes+attributeValues
		if len(rows) >= attributesAtOnce {
			n, query = attributesAtOnce, insertManyAttributes
		}
		args = args[:0]
		for _, r := range rows[:n] {
			args = append(args, collection, r.key, r.kind, r.value, r.document)
		}
		if err := c.exec(query, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

func dropAttributes(c *conn, collection, document int64, metadata []byte) error {
	return eachAttribute(metadata, func(key []byte, a attribute) error {
		return c.exec("DELETE FROM attributes WHERE collection = ? AND key = ? AND kind = ? AND value = ? AND document = ?", collection, key, a.kind, a.value, document)
	})
}
