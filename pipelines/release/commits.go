package release

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Commit is one that touched a module since its last release.
type Commit struct {
	Hash string `json:"hash" jsonschema:"pattern=^[0-9a-f]{40}([0-9a-f]{24})?$"`
	// Subject is its first line, made printable.
	Subject string `json:"subject"`
	// Step is what it asks for by Conventional Commits: "!" or a footer BREAKING CHANGE
	// major, feat minor, else patch.
	Step Step `json:"step" jsonschema:"enum=patch,enum=minor,enum=major"`
}

// history is a commit with the files that it touched, relative to the repository.
type history struct {
	Commit
	files []string
}

// since lists the commits after one and up to another, merges left out: what they bring
// is in the commits that they merge.
func (r *repo) since(ctx context.Context, old, now string) ([]history, error) {
	hashes, err := r.git(ctx, nil, "rev-list", "--no-merges", "--topo-order", "--end-of-options", now, "^"+old)
	if err != nil || len(hashes) == 0 {
		return nil, err
	}
	touched, err := r.git(ctx, hashes, "diff-tree", "--stdin", "-r", "-z", "--root", "--raw", "--no-renames", "--no-ext-diff")
	if err != nil {
		return nil, err
	}
	messages, err := r.git(ctx, hashes, "cat-file", "--batch")
	if err != nil {
		return nil, err
	}
	var list []history
	index := map[string]int{}
	for hash := range strings.FieldsSeq(string(hashes)) {
		message, rest, err := object(messages, hash)
		if err != nil {
			return nil, err
		}
		messages = rest
		index[hash] = len(list)
		list = append(list, history{Commit: judged(hash, message)})
	}
	at := -1
	fields := strings.Split(string(touched), "\x00")
	for i := 0; i < len(fields); i++ {
		switch field := fields[i]; {
		case strings.HasPrefix(field, ":"): // then comes the path, whatever it looks like
			if i++; i >= len(fields) || at < 0 {
				return nil, fmt.Errorf("reading git diff-tree: %q", printable.Text(field, 100))
			}
			list[at].files = append(list[at].files, fields[i])
		case strings.TrimSpace(field) == "":
		default:
			n, ok := index[strings.TrimSpace(field)]
			if !ok {
				return nil, fmt.Errorf("reading git diff-tree: %q", printable.Text(field, 100))
			}
			at = n
		}
	}
	return list, nil
}

// object takes the next object out of what cat-file printed and returns its message.
func object(out []byte, hash string) (message string, rest []byte, err error) {
	head, rest, _ := bytes.Cut(out, []byte{'\n'})
	fields := strings.Fields(string(head))
	if len(fields) != 3 || fields[0] != hash {
		return "", nil, fmt.Errorf("reading %s from git: %q", hash, printable.Text(string(head), 100))
	}
	size, err := strconv.Atoi(fields[2])
	if err != nil || size+1 > len(rest) {
		return "", nil, fmt.Errorf("reading %s from git: %q", hash, printable.Text(string(head), 100))
	}
	_, text, _ := strings.Cut(string(rest[:size]), "\n\n")
	return text, rest[size+1:], nil
}

var (
	conventional = regexp.MustCompile(`^([A-Za-z]+)(\([^()\n]*\))?(!)?: `)
	breaking     = regexp.MustCompile(`(?m)^BREAKING[ -]CHANGE: `)
)

// judged reads a message by Conventional Commits.
func judged(hash, message string) Commit {
	message = strings.ReplaceAll(strings.TrimSpace(message), "\r\n", "\n")
	subject, body, _ := strings.Cut(message, "\n")
	c := Commit{Hash: hash, Subject: printable.Text(subject, 200), Step: Patch}
	m := conventional.FindStringSubmatch(subject)
	switch {
	case breaking.MatchString(body), m != nil && m[3] == "!":
		c.Step = Major
	case m != nil && strings.EqualFold(m[1], "feat"):
		c.Step = Minor
	}
	return c
}

// touching are those of a history that touched one of the files.
func touching(all []history, files map[string]bool) []Commit {
	list := []Commit{}
	for _, h := range all {
		for _, f := range h.files {
			if files[f] {
				list = append(list, h.Commit)
				break
			}
		}
	}
	return list
}
