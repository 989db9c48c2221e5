package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/enactdev/enact"
)

// report is what a run has come to. All but the hits is read back from the
// stores, after the work.
type report struct {
	Execution enact.ExecutionID `json:"execution"`
	// Events is the log's last sequence.
	Events uint64 `json:"events"`
	// Steps are those completed, by this process and the ones before.
	Steps int `json:"steps"`
	// ResumedFrom is the sequence from which this process went on.
	ResumedFrom uint64 `json:"resumed_from"`
	// Repeated are steps that were worked on after they had ended.
	Repeated int `json:"repeated"`
	// Documents are in the collection.
	Documents uint64 `json:"documents"`
	// Hits are never null.
	Hits []hit `json:"hits"`

	failed     map[string]string
	collection string
}

// print writes the report for people.
func (r report) print(w io.Writer) {
	fmt.Fprintf(w, "%d files indexed, %d failed, %d repeated: %d documents, %d events\n",
		r.Steps, len(r.failed), r.Repeated, r.Documents, r.Events)
	for _, h := range r.Hits {
		fmt.Fprintf(w, "\n%.3f  %s:%d\n", h.Score, h.File, h.Line)
		for _, n := range h.excerpt {
			fmt.Fprintf(w, "%7d  %s\n", n.line, n.text)
		}
	}
}

// printJSON writes the report for programs, in one line.
func (r report) printJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(r)
}
