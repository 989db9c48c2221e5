package model

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Late is how long after its deadline a call may end: the process that makes it may
// stand still for [LongestPause], drivers wait a moment for the server's answer, and the
// machine is busy.
const Late = LongestPause + 3*time.Second

// LongestPause is how long a process that makes calls may be made to stand still.
const LongestPause = 2 * time.Second

// CheckFailure judges the text of an error.
func CheckFailure(text, secret string) error {
	switch {
	case secret != "" && strings.Contains(text, secret):
		return broken("B10", "an error holds the password of the DSN: %s", strings.ReplaceAll(text, secret, "[the password]"))
	case text == "" || strings.ContainsAny(text, "\r\n") || !utf8.ValidString(text):
		return broken("B9", "an error is not one line: %q", text)
	}
	return nil
}

// CheckEnd judges how long a call took.
func CheckEnd(call string, took, timeout time.Duration) error {
	if took > timeout+Late {
		return broken("B6", "%s took %v with a context of %v", call, took.Round(time.Millisecond), timeout)
	}
	return nil
}
