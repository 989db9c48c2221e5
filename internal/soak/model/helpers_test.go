package model

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// during is a read that begins now and ends at once.
func during() Span {
	now := time.Now()
	return Span{From: Now(), To: Now(), Began: now, Ended: now}
}

// wantBroken makes sure that a checker names a rule and says certain words.
func wantBroken(t *testing.T, verdict error, rule string, words ...string) {
	t.Helper()
	var b *Broken
	if !errors.As(verdict, &b) || b.Rule != rule {
		t.Errorf("the verdict is %v, want %s to be broken", verdict, rule)
		return
	}
	for _, word := range words {
		if !strings.Contains(b.What, word) {
			t.Errorf("the verdict is %q, want it to say %q", b.What, word)
		}
	}
}

func wantWhole(t *testing.T, verdict error) {
	t.Helper()
	if verdict != nil {
		t.Errorf("the verdict is %v, want nothing to be broken", verdict)
	}
}
