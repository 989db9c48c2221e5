package main

import (
	"encoding/json"
	"io"
	"time"
)

// report is a whole run.
type report struct {
	Began   time.Time `json:"began"`
	Took    string    `json:"took"`
	Quick   bool      `json:"quick"`
	Rounds  int       `json:"rounds"`
	Sample  string    `json:"sample"`
	Machine machine   `json:"machine"`
	Rows    []row     `json:"rows"`
}

// missed returns the rows whose goal is not reached.
func (r report) missed() (rows []row) {
	for _, row := range r.Rows {
		if row.Reached != nil && !*row.Reached {
			rows = append(rows, row)
		}
	}
	return rows
}

// writeJSON writes the report for programs.
func (r report) writeJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(r)
}
