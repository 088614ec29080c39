package helm

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Metadata is what a release says of where it came from. Helm keeps it beside the
// release: whole in the description, and what has the form of a label as labels.
type Metadata struct {
	// Run is that of the ledger.
	Run         string `json:"run"`
	Environment string `json:"environment"`
	// Image is REPOSITORY@sha256:..., or what the values say where they have no digest.
	Image  string `json:"image,omitempty"`
	Commit string `json:"commit,omitempty"`
	// Bundle is VERSION@sha256:...
	Bundle string `json:"bundle,omitempty"`
	Actor  string `json:"actor,omitempty"`
	// RollbackTo is the revision whose content it has again; 0 for a deploy.
	RollbackTo int `json:"rollback_to,omitempty"`
}

const (
	labelRun    = "penstock.dev/run"
	labelCommit = "penstock.dev/commit"
	labelBundle = "penstock.dev/bundle"
)

// mark begins every description of ours; helm's own begin otherwise, and only where
// an operation was cut off or failed do they stay.
const mark = "penstock "

// Description is that of a deploy, or of a rollback: helm takes 256 characters for one,
// and where its content came from says the revision that it went back to.
func (m Metadata) Description() string {
	limit := 512
	if m.RollbackTo != 0 {
		limit, m.Image, m.Commit, m.Bundle = 256, "", "", ""
	}
	var b strings.Builder
	b.WriteString(strings.TrimSpace(mark))
	if m.RollbackTo != 0 { // first: what is cut is the end
		fmt.Fprintf(&b, " rollback=%d", m.RollbackTo)
	}
	for _, field := range []struct{ key, value string }{
		{"run", m.Run}, {"environment", m.Environment}, {"image", m.Image}, {"commit", m.Commit}, {"bundle", m.Bundle}, {"by", m.Actor},
	} {
		if field.value != "" {
			fmt.Fprintf(&b, " %s=%s", field.key, strings.Map(word, printable.Text(field.value, 150)))
		}
	}
	text := b.String()
	text = strings.ToValidUTF8(text[:min(len(text), limit)], "")
	return text
}

// word keeps a value one word.
func word(r rune) rune {
	if r == ' ' || r == '=' {
		return '_'
	}
	return r
}

// Described reads a description back. It is false for one that is not ours.
func Described(description string) (Metadata, bool) {
	fields := strings.Fields(description)
	if len(fields) < 2 || fields[0] != strings.TrimSpace(mark) {
		return Metadata{}, false
	}
	var m Metadata
	for _, field := range fields[1:] {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "run":
			m.Run = value
		case "environment":
			m.Environment = value
		case "image":
			m.Image = value
		case "commit":
			m.Commit = value
		case "bundle":
			m.Bundle = value
		case "by":
			m.Actor = value
		case "rollback":
			m.RollbackTo, _ = strconv.Atoi(value)
		}
	}
	return m, true
}

var labelValue = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

// labels are KEY=VALUE for helm. A label that does not apply is unset: helm keeps
// those of the revision before.
func (m Metadata) labels() []string {
	version, _, _ := strings.Cut(m.Bundle, "@")
	var list []string
	for _, label := range []struct{ key, value string }{{labelRun, m.Run}, {labelCommit, m.Commit}, {labelBundle, version}} {
		if !labelValue.MatchString(label.value) {
			label.value = "null"
		}
		list = append(list, label.key+"="+label.value)
	}
	return list
}
