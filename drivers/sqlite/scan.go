package sqlite

import (
	"database/sql"
	sqldriver "database/sql/driver"
	"fmt"
	"reflect"
)

// scanner is a row, or the error that there is instead.
type scanner interface{ Scan(dest ...any) error }

type failed struct{ err error }

func (f failed) Scan(...any) error { return f.err }

// cells are a row as the engine returns it: int64, float64, string, []byte or nil.
// Strings and bytes are copies already, so what was scanned belongs to the caller.
type cells []sqldriver.Value

// Scan stores the cells in variables of types that hold them.
func (row cells) Scan(dest ...any) error {
	if len(dest) != len(row) {
		return fmt.Errorf("sqlite: %d variables for %d columns", len(dest), len(row))
	}
	for i, d := range dest {
		if !store(d, row[i]) {
			return fmt.Errorf("sqlite: column %d: a %T does not fit a %T", i+1, row[i], d)
		}
	}
	return nil
}

func store(dest any, cell sqldriver.Value) (fits bool) {
	switch d := dest.(type) {
	case *any:
		*d = cell
		return true
	case *[]byte:
		*d, fits = cell.([]byte)
		return fits || cell == nil
	case *string:
		*d, fits = cell.(string)
		return fits
	case *sql.NullInt64:
		d.Int64, d.Valid = cell.(int64)
		return d.Valid || cell == nil
	}
	n, isInt := cell.(int64)
	switch d := dest.(type) {
	case *int64:
		*d = n
		return isInt
	case *int:
		*d = int(n)
		return isInt && int64(*d) == n
	case *uint64:
		*d = uint64(n)
		return isInt && n >= 0
	case *bool:
		*d = n == 1
		return isInt && (n == 0 || n == 1)
	}
	text, isText := cell.(string)
	if named := reflect.ValueOf(dest).Elem(); isText && named.Kind() == reflect.String {
		named.SetString(text)
		return true
	}
	return false
}
