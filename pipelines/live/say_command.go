package live

import (
	"regexp"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

var bare = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// command is what to type to do something again: against the same base, and with
// providers from where they came from.
func command(verb string, s pipelines.Selection, mirror string, args ...string) string {
	words := []string{"penstock", verb}
	if s.Base != "" {
		words = append(words, "--base", s.Base)
	}
	if mirror != "" {
		words = append(words, "--provider-mirror", mirror)
	}
	words = append(words, args...)
	for i, word := range words {
		if !bare.MatchString(word) {
			words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(words, " ")
}
