package forge

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// BodyLimit is how many characters a comment or an issue may have. Who writes a
// longer one is told, since only they know what to leave out.
const BodyLimit = 65_536

// Done says what became of something that was to be written.
type Done string

const (
	Created   Done = "created"
	Updated   Done = "updated"
	Unchanged Done = "unchanged"
	Reopened  Done = "reopened"
	Closed    Done = "closed"
)

// Written is something on the forge that is now as it was asked for.
type Written struct {
	Done Done `json:"done"`
	// URL is where people see it; empty where there is nothing to see.
	URL string `json:"url,omitempty"`
	// Duplicates is how many others of the same marker were taken away.
	Duplicates int `json:"duplicates,omitempty"`
	// Note says what was done differently than asked for, and why.
	Note string `json:"note,omitempty"`
}

var markerText = regexp.MustCompile(`^<!-- [A-Za-z0-9][A-Za-z0-9:/._@-]{0,190} -->$`)

// MarkerOf returns the marker that a text begins with: its first line, where that is
// an HTML comment such as "<!-- penstock:plan -->".
func MarkerOf(text string) (string, bool) {
	line, _, _ := strings.Cut(text, "\n")
	line = strings.TrimRight(line, " \t\r")
	return line, markerText.MatchString(line)
}

var keyText = regexp.MustCompile(`^[A-Za-z0-9:/._@-]+$`)

// Keyed is a marker for one of several pages of a kind: <!-- penstock:plan --> with the
// key "service-iac:dvlp" is <!-- penstock:plan:service-iac:dvlp -->.
func Keyed(marker, key string) (string, error) {
	keyed := strings.TrimSuffix(marker, " -->") + ":" + key + " -->"
	switch {
	case !keyText.MatchString(key) || strings.Contains(key, "--"): // two dashes may end an HTML comment
		return "", &pipelines.Error{Err: fmt.Errorf("the key %q is not made of letters, digits and : / . _ @ - alone, or has two dashes in a row", key),
			Hint: "give a key such as service-iac:dvlp"}
	case !markerText.MatchString(keyed):
		return "", &pipelines.Error{Err: fmt.Errorf("the key %.40q... is too long", key), Hint: "give a shorter key"}
	}
	return keyed, nil
}

// marked is a body that begins with its marker.
func marked(marker, body string) (string, error) {
	if !markerText.MatchString(marker) {
		return "", fmt.Errorf("%q is no marker, as <!-- penstock:plan --> is", marker)
	}
	body = strings.ToValidUTF8(body, "\uFFFD") // as it would be sent, so that it can be compared
	if has, _ := MarkerOf(body); has != marker {
		body = marker + "\n" + body
	}
	if n := utf8.RuneCountInString(body); n > BodyLimit {
		return "", &pipelines.Error{Err: fmt.Errorf("the text has %d characters, at most %d are allowed", n, BodyLimit),
			Hint: "leave out the least important parts, and say so in the text"}
	}
	return body, nil
}

// same compares texts as forges keep them: with other ends of lines, without what
// is blank at the end.
func same(a, b string) bool {
	plain := func(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }
	return plain(a) == plain(b)
}

// cut makes text printable and at most limit characters long, escapes included.
func cut(text string, limit int) string {
	runes := []rune(printable.Text(text, limit))
	if len(runes) <= limit {
		return string(runes)
	}
	return string(runes[:limit-3]) + "..."
}
