// Package shell writes commands that people copy: each word stays one.
package shell

import (
	"regexp"
	"strings"
)

var bare = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// Line is a command line of words, quoted where a shell would take them apart.
func Line(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		if quoted[i] = word; !bare.MatchString(word) {
			quoted[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
