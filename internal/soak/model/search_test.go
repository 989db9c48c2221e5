package model

import (
	"strings"
	"testing"
	"time"

	"github.com/enactdev/enact"
)

func TestBrokenSearchesAreFound(t *testing.T) {
	collection := enact.Collection{Name: "c", Dimension: 2, Metric: enact.Dot}
	all := []enact.Document{{ID: "near", Embedding: []float32{2, 0}}, {ID: "far", Embedding: []float32{1, 0}}, {ID: "other", Embedding: []float32{9, 0}}}
	wanted := func(d enact.Document) bool { return d.ID != "other" }
	match := func(id string, score float64) enact.Match {
		return enact.Match{Document: enact.Document{ID: id}, Score: score}
	}
	check := func(limit int, matches ...enact.Match) error {
		return CheckSearch(collection, all, wanted, []float32{1, 0}, limit, enact.Result{Matches: matches, Exact: true})
	}
	wantWhole(t, check(5, match("near", 2), match("far", 1)))
	wantWhole(t, check(1, match("near", 2)))
	wantBroken(t, check(5, match("near", 2)), "V5")
	wantBroken(t, check(5, match("far", 1), match("near", 2)), "V3")
	wantBroken(t, check(5, match("near", 2), match("near", 2)), "V3")
	wantBroken(t, check(5, match("near", 2), match("far", 1.1)), "V3")
	wantBroken(t, check(5, match("other", 9), match("near", 2)), "V3")
}

func TestTornGroupsAreFound(t *testing.T) {
	first, second := enact.Document{Content: "first"}, enact.Document{Content: "second"}
	wantWhole(t, CheckWhole("group", 2, nil))
	wantWhole(t, CheckWhole("group", 2, []enact.Document{first, first}))
	wantBroken(t, CheckWhole("group", 2, []enact.Document{first}), "V2")
	wantBroken(t, CheckWhole("group", 2, []enact.Document{first, second}), "V2")
}

func TestFailuresAreJudged(t *testing.T) {
	wantWhole(t, CheckFailure("unavailable: no connection", "pa55word"))
	for text, rule := range map[string]string{"": "B9", "two\nlines": "B9", "no \xff text": "B9", "user:pa55word@host": "B10"} {
		verdict := CheckFailure(text, "pa55word")
		wantBroken(t, verdict, rule)
		if strings.Contains(verdict.Error(), "pa55word") {
			t.Errorf("the verdict %q holds the password", verdict)
		}
	}
	wantWhole(t, CheckEnd("call", time.Second+Late, time.Second))
	wantBroken(t, CheckEnd("call", time.Second+Late+1, time.Second), "B6")
}
