package enact

import (
	"net/url"
	"strings"
)

// scrub returns err with the secrets of dsn taken out of its text, should a
// driver or a library below it have put them there. It still matches what err
// matches.
func scrub(err error, dsn string) error {
	if err == nil || dsn == "" {
		return err
	}
	text := err.Error()
	clean := text
	for _, secret := range secretsOf(dsn) {
		clean = strings.ReplaceAll(clean, secret, "[redacted]")
	}
	if clean == text {
		return err
	}
	return &scrubbedError{text: clean, err: err}
}

type scrubbedError struct {
	text string
	err  error
}

func (e *scrubbedError) Error() string { return e.text }

// Unwrap is for errors.Is and errors.As; the text of what it returns is not safe
// to print.
func (e *scrubbedError) Unwrap() error { return e.err }

// secretsOf lists the parts of a DSN that must not be printed, longest first as
// far as one contains another: the whole, what stands before an @, and the values
// of parameters. It works on text that does not parse as a URL, too.
func secretsOf(dsn string) []string {
	secrets := []string{dsn}
	add := func(secret string) {
		if len(secret) < 3 {
			return // would garble any text, and protects nothing
		}
		secrets = append(secrets, secret)
		if plain, err := url.QueryUnescape(secret); err == nil && plain != secret {
			secrets = append(secrets, plain)
		}
		if plain, err := url.PathUnescape(secret); err == nil && plain != secret {
			secrets = append(secrets, plain)
		}
	}
	_, rest, _ := strings.Cut(dsn, ":")
	rest = strings.TrimPrefix(rest, "//")
	_, query, _ := strings.Cut(rest, "?")
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		if _, password, found := strings.Cut(rest[:at], ":"); found {
			add(rest[:at])
			add(password)
		} else {
			add(rest[:at])
		}
	}
	for pair := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		if isSecretName(name) {
			add(value)
		}
	}
	return secrets
}

func isSecretName(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"pass", "pwd", "secret", "token", "key", "auth", "cred"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

// redacted is a DSN as it may be printed.
func redacted(dsn string) string {
	if dsn == "" {
		return ""
	}
	scheme, err := schemeOf(dsn)
	if err != nil {
		return "[redacted]"
	}
	return scheme + ":[redacted]"
}
