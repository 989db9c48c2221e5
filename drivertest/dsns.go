package drivertest

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// How a DSN is taken apart and changed, whatever the driver's form of it is.
// It begins with a scheme and a colon, and parameters follow a question mark.

func schemeOf(dsn string) string {
	scheme, _, _ := strings.Cut(dsn, ":")
	return scheme
}

// parametersOf lists the parameters as they are written, name=value.
func parametersOf(dsn string) (parameters []string) {
	_, query, _ := strings.Cut(dsn, "?")
	query, _, _ = strings.Cut(query, "#")
	for parameter := range strings.SplitSeq(query, "&") {
		if parameter != "" {
			parameters = append(parameters, parameter)
		}
	}
	return parameters
}

// withParameter adds a parameter, as it is written, behind all others.
func withParameter(dsn, parameter string) string {
	fragment := ""
	if at := strings.LastIndex(dsn, "#"); at >= 0 {
		dsn, fragment = dsn[:at], dsn[at:]
	}
	switch {
	case !strings.Contains(dsn, "?"):
		dsn += "?"
	case !strings.HasSuffix(dsn, "?") && !strings.HasSuffix(dsn, "&"):
		dsn += "&"
	}
	return dsn + parameter + fragment
}

// withParameterFirst adds a parameter before all others.
func withParameterFirst(dsn, parameter string) string {
	before, after, found := strings.Cut(dsn, "?")
	if !found || after == "" {
		return withParameter(dsn, parameter)
	}
	return before + "?" + parameter + "&" + after
}

// escapedFirst writes a parameter's name with its first letter escaped, which
// makes it no other name.
func escapedFirst(parameter string) string {
	const hex = "0123456789ABCDEF"
	return "%" + string(hex[parameter[0]>>4]) + string(hex[parameter[0]&15]) + parameter[1:]
}

// loopback is an address of the loopback with a port.
var loopback = regexp.MustCompile(`(127\.0\.0\.1|localhost|\[::1\]):[0-9]+`)

// withAddress returns dsn with another address to connect to, or with one where
// there is none. What the driver makes of that is its affair.
func withAddress(dsn, address string) string {
	if loopback.MatchString(dsn) {
		return loopback.ReplaceAllString(dsn, address)
	}
	scheme, rest, _ := strings.Cut(dsn, ":")
	rest, found := strings.CutPrefix(rest, "//")
	if !found {
		return scheme + "://" + address + "/" + strings.TrimPrefix(rest, "/")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority := rest[:end]
	return scheme + "://" + authority[:strings.LastIndex(authority, "@")+1] + address + rest[end:]
}

// withoutPlace returns dsn with a file in a folder that is not there in place of
// the one that it names, if it names one.
func withoutPlace(dsn string) (changed string, ok bool) {
	path, ok := fileOf(dsn)
	if !ok || !strings.Contains(dsn, path) {
		return "", false
	}
	return strings.Replace(dsn, path, filepath.Join(filepath.Dir(path), "none", filepath.Base(path)), 1), true
}

// fileOf returns the absolute path of a file, which need not exist, in a folder
// that does, if the DSN names one.
func fileOf(dsn string) (path string, ok bool) {
	_, rest, _ := strings.Cut(dsn, ":")
	path, _, _ = strings.Cut(rest, "?")
	candidates := []string{strings.TrimPrefix(path, "//"), path}
	for _, parameter := range parametersOf(dsn) {
		_, value, _ := strings.Cut(parameter, "=")
		candidates = append(candidates, value)
	}
	for _, path := range candidates {
		if plain, err := url.PathUnescape(path); err == nil {
			path = plain
		}
		folder := filepath.Dir(path)
		if info, err := os.Stat(folder); filepath.IsAbs(path) && folder != filepath.Dir(folder) && err == nil && info.IsDir() {
			return path, true
		}
	}
	return "", false
}

// around lists what is in the folder of a file, with sizes and times of change.
func around(path string) (entries []string) {
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return []string{err.Error()}
	}
	for _, entry := range list {
		if info, err := entry.Info(); err == nil {
			entries = append(entries, info.Name()+" "+info.Mode().String()+" "+info.ModTime().String())
		}
	}
	return entries
}
