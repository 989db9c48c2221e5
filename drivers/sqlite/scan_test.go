package sqlite

import (
	"database/sql"
	"reflect"
	"testing"

	"github.com/enactdev/enact/driver"
	"github.com/enactdev/enact/internal/testkit"
)

// TestScan: a cell is stored in a variable that holds it, and refused by any other
// rather than changed.
func TestScan(t *testing.T) {
	const refused = "refused"
	for _, test := range []struct {
		cell any
		dest any
		want any
	}{
		{int64(-1), new(int64), int64(-1)},
		{int64(-1), new(int), -1},
		{int64(7), new(uint64), uint64(7)},
		{int64(-1), new(uint64), refused},
		{int64(0), new(bool), false},
		{int64(1), new(bool), true},
		{int64(2), new(bool), refused},
		{int64(5), new(any), any(int64(5))},
		{int64(5), new(string), refused},
		{int64(5), new([]byte), refused},
		{int64(5), new(sql.NullInt64), sql.NullInt64{Int64: 5, Valid: true}},
		{nil, new(sql.NullInt64), sql.NullInt64{}},
		{nil, new([]byte), []byte(nil)},
		{nil, new(string), refused},
		{nil, new(int64), refused},
		{nil, new(driver.Metric), refused},
		{[]byte{0}, new([]byte), []byte{0}},
		{[]byte("x"), new(string), refused},
		{"x", new(string), "x"},
		{"x", new(driver.Metric), driver.Metric("x")},
		{"x", new([]byte), refused},
		{"5", new(int64), refused},
		{"5", new(sql.NullInt64), refused},
		{0.5, new(any), any(0.5)},
		{0.5, new(int64), refused},
	} {
		err := cells{test.cell}.Scan(test.dest)
		if test.want == refused {
			if err == nil {
				t.Errorf("a %T was stored in a %T, want an error", test.cell, test.dest)
			}
			continue
		}
		testkit.Check(t, err)
		if got := reflect.ValueOf(test.dest).Elem().Interface(); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%v was stored in a %T as %v, want %v", test.cell, test.dest, got, test.want)
		}
	}
	var n int64
	if two, none := (cells{int64(1), int64(2)}), (cells{}); two.Scan(&n) == nil || none.Scan(&n) == nil {
		t.Error("a row was stored in fewer or more variables than it has columns")
	}
}
