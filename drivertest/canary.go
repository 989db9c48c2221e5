package drivertest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log"
	"log/slog"
	"net/url"
	"strings"
	"sync"
)

// canary is a secret that is recognised wherever a part of it appears, in most of
// the ways in which programs write strings.
type canary struct {
	secret string
	forms  []string // in lower case
}

// newCanary joins three words that occur nowhere else. Escaping, quoting and
// cutting leave a part of at least one of them.
func (t *trial) newCanary(separator string) *canary {
	const length, part = 12, 8
	c := &canary{}
	words := make([]string, 3)
	for i := range words {
		word := make([]byte, length)
		for j := range word {
			word[j] = 'a' + byte(t.rand.IntN(26))
		}
		words[i] = string(word)
		for from := range length - part + 1 {
			text := word[from : from+part]
			c.forms = append(c.forms, string(text), hex.EncodeToString(text), strings.Trim(fmt.Sprint(text), "[]"))
		}
	}
	c.secret = strings.Join(words, separator)
	// Whatever stands before it, as a user's name and a colon do.
	for before := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat(":", before) + c.secret))
		text = strings.NewReplacer("+", "-", "/", "_").Replace(text[4 : len(text)-4])
		c.forms = append(c.forms, text)
	}
	for i, form := range c.forms {
		c.forms[i] = strings.ToLower(form)
	}
	return c
}

// in returns what of the canary is in a text, or "".
func (c *canary) in(text string) string {
	text = strings.ToLower(text)
	url64 := strings.NewReplacer("+", "-", "/", "_").Replace(text)
	for _, form := range c.forms {
		if strings.Contains(text, form) || strings.Contains(url64, form) {
			return form
		}
	}
	return ""
}

// hidden ends the check if a text shows something of the canary.
func (t *trial) hidden(c *canary, did, text string) {
	if found := c.in(text); found != "" {
		t.fatal(did, fmt.Sprintf("%q, which contains %q of the secret %q", text, found, c.secret), "nothing of it")
	}
}

// hiddenError is hidden for an error, and for those that it wraps.
func (t *trial) hiddenError(c *canary, did string, err error) {
	if err != nil {
		t.hidden(c, did+": the error", err.Error())
		t.hidden(c, did+": the error, printed with %+v", fmt.Sprintf("%+v", err))
	}
}

// hiddenValue is hidden for what is printed of a connector or backend.
func (t *trial) hiddenValue(c *canary, did string, v any) {
	for _, verb := range []string{"%v", "%+v", "%s"} {
		t.hidden(c, did+", printed with "+verb, fmt.Sprintf(verb, v))
	}
}

// loggedMeanwhile runs f and returns what is logged until it has ended, which goes
// nowhere else.
func loggedMeanwhile(f func()) string {
	var logged lockedBuffer
	logger, writer, flags := slog.Default(), log.Writer(), log.Flags()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug - 100})))
	log.SetOutput(&logged)
	defer func() {
		slog.SetDefault(logger)
		log.SetOutput(writer)
		log.SetFlags(flags)
	}()
	f()
	return logged.String()
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// escapes are the ways in which a secret may be written into a DSN.
var escapes = []func(string) string{url.QueryEscape, url.PathEscape, func(s string) string { return s }}
