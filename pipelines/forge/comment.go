package forge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-github/v88/github"
)

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
		if created != nil { // the list may be behind
			list = oldest(append(list, created))
		}
		if len(list) == 0 {
			return Written{}, errGone
		}
	}
	kept := list[0]
	if w.Done == Created && kept.GetID() != created.GetID() { // another run was there first, or we do not know which is ours
		w.Done = Unchanged
	}
	w.URL = kept.GetHTMLURL()
	if kept.GetID() != created.GetID() && !same(kept.GetBody(), body) {
		w.Done = Updated
		now, answer, err := f.client.Issues.EditComment(ctx, f.owner, f.name, kept.GetID(), &github.IssueComment{Body: &body})
		if answer != nil && answer.StatusCode == http.StatusNotFound {
			return Written{}, errGone
		}
		if err == nil && now.GetID() != kept.GetID() {
			err = unnamed(answer)
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
	return oldest(all), nil
}

// oldest sorts comments by age, each once: a list that grows while it is read may
// have one on two pages.
func oldest(list []*github.IssueComment) []*github.IssueComment {
	slices.SortStableFunc(list, func(a, b *github.IssueComment) int { return cmp.Compare(a.GetID(), b.GetID()) })
	return slices.CompactFunc(list, func(a, b *github.IssueComment) bool { return a.GetID() == b.GetID() })
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
		if c.GetID() <= 0 {
			return unnamed(answer)
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
