package main

import (
	"strings"
	"unicode"
)

// identifiers cuts a text into runs of letters, digits and underscores.
func identifiers(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

// wordsOf splits an identifier where snake_case and camelCase do, in lower case:
// parseIPv4Addr is parse, ip, v4, addr.
func wordsOf(identifier string) []string {
	var words []string
	for _, part := range strings.Split(identifier, "_") {
		runes := []rune(part)
		start := 0
		for i := 1; i < len(runes); i++ {
			if beginsWord(runes, i) {
				words = append(words, strings.ToLower(string(runes[start:i])))
				start = i
			}
		}
		if start < len(runes) {
			words = append(words, strings.ToLower(string(runes[start:])))
		}
	}
	return words
}

// beginsWord reports whether a new word begins at runes[i], i > 0: at a capital
// after a small letter or digit, at the last of several capitals if a word of
// small letters follows (HTTPServer), and after several capitals if it does not
// (IPv4, URLs).
func beginsWord(runes []rune, i int) bool {
	small := func(i int) bool { return i < len(runes) && unicode.IsLower(runes[i]) }
	capital := func(i int) bool { return i >= 0 && i < len(runes) && unicode.IsUpper(runes[i]) }
	switch {
	case capital(i) && !capital(i-1):
		return true
	case capital(i) && small(i+1) && small(i+2):
		return true
	case small(i) && !small(i+1) && capital(i-1) && capital(i-2):
		return true
	}
	return false
}
