package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/go-github/v88/github"

	"github.com/penstock-dev/penstock/pipelines"
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

// Comment makes the one comment of a marker on a pull request say body. The marker
// is the first line of it and is put there where it is missing. Only a comment that
// we wrote ourselves is touched: anyone can write the marker. Of several, left by
// concurrent runs, the oldest stays.
//
// It needs the permission "pull-requests: write".
func (f *Forge) Comment(ctx context.Context, pull int, marker, body string) (Written, error) {
	body, err := marked(marker, body)
	if err == nil {
		var w Written
		if w, err = f.comment(ctx, pull, marker, body); err == nil {
			return w, nil
		}
	}
	return Written{}, fmt.Errorf("commenting on pull request %d: %w", pull, err)
}

func (f *Forge) comment(ctx context.Context, pull int, marker, body string) (Written, error) {
	if _, err := f.self(ctx); err != nil {
		return Written{}, err
	}
	const rounds = 3 // somebody may delete the comment between looking and writing
	for range rounds {
		w, err := f.settle(ctx, pull, marker, body)
		if !errors.Is(err, errGone) {
			return w, err
		}
	}
	return Written{}, errors.New("it is deleted as often as it is written")
}

// errGone says that what was there a moment ago is not any more.
var errGone = errors.New("it is gone")

// settle leaves one comment. The comment that a run just created is not written
// again: whoever changed it in the meantime knows something newer.
func (f *Forge) settle(ctx context.Context, pull int, marker, body string) (Written, error) {
	list, err := f.comments(ctx, pull, marker)
	if err != nil {
		return Written{}, err
	}
	w := Written{Done: Unchanged}
	var created *github.IssueComment
	if len(list) == 0 {
		if created, err = f.addComment(ctx, pull, marker, body); err != nil {
			return Written{}, err
		}
		w = Written{Done: Created, URL: created.GetHTMLURL()}
		if list, err = f.comments(ctx, pull, marker); err != nil {
			return Written{}, err
		}
		if len(list) == 0 && created == nil {
			return Written{}, errGone
		}
		if len(list) == 0 { // the list is behind
			return w, nil
		}
	}
	kept := list[0]
	if w.Done == Created && kept.GetID() != created.GetID() { // another run was there first, or we do not know which is ours
		w.Done = Unchanged
	}
	w.URL = kept.GetHTMLURL()
	if kept.GetID() != created.GetID() && !same(kept.GetBody(), body) {
		w.Done = Updated
		_, answer, err := f.client.Issues.EditComment(ctx, f.owner, f.name, kept.GetID(), &github.IssueComment{Body: &body})
		if answer != nil && answer.StatusCode == http.StatusNotFound {
			return Written{}, errGone
		}
		if err != nil {
			return Written{}, failed(answer, err)
		}
	}
	w.Duplicates, err = f.removeComments(ctx, list[1:])
	return w, err
}

func (f *Forge) removeComments(ctx context.Context, list []*github.IssueComment) (int, error) {
	removed := 0
	for _, c := range list {
		answer, err := f.client.Issues.DeleteComment(ctx, f.owner, f.name, c.GetID())
		if answer != nil && answer.StatusCode == http.StatusNotFound { // another run was faster
			continue
		}
		if err != nil {
			return removed, failed(answer, err)
		}
		removed++
	}
	return removed, nil
}

// comments are ours with the marker, the oldest first.
func (f *Forge) comments(ctx context.Context, number int, marker string) ([]*github.IssueComment, error) {
	me, err := f.self(ctx)
	if err != nil {
		return nil, err
	}
	all, err := every(func(o github.ListOptions) ([]*github.IssueComment, *github.Response, error) {
		return f.client.Issues.ListComments(ctx, f.owner, f.name, number, &github.IssueListCommentsOptions{ListOptions: o})
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(c *github.IssueComment) bool {
		has, _ := MarkerOf(c.GetBody())
		return !me.is(c.User) || has != marker || c.GetID() <= 0
	})
	slices.SortFunc(all, func(a, b *github.IssueComment) int { return int(a.GetID() - b.GetID()) })
	return slices.CompactFunc(all, func(a, b *github.IssueComment) bool { return a.GetID() == b.GetID() }), nil
}

// addComment creates a comment once. It is nil where the answer was lost and the
// comment is there all the same.
func (f *Forge) addComment(ctx context.Context, number int, marker, body string) (*github.IssueComment, error) {
	var created *github.IssueComment
	err := f.writeOnce(ctx, func() error {
		c, answer, err := f.client.Issues.CreateComment(ctx, f.owner, f.name, number, &github.IssueComment{Body: &body})
		if err != nil {
			return failed(answer, err)
		}
		f.learn(c.User)
		created = c
		return nil
	}, func() (bool, error) {
		list, err := f.comments(ctx, number, marker)
		return len(list) > 0, err
	})
	return created, err
}
