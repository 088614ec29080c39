package forge

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-github/v88/github"
)

// DriftLabel is on every issue of ours: by it they are found, among all others.
const DriftLabel = "penstock-drift"

// Issue is something that goes on until it is put right, such as a unit that
// drifted: there is one issue for it, which is opened and closed as it comes and goes.
type Issue struct {
	// Key says what it is about: "live/dvlp/network@dvlp".
	Key string
	// Title is one line. Body is Markdown; of an issue that is closed it is the
	// comment that says why.
	Title, Body string
	Open        bool
}

// marker is hidden in the issue. A key may hold anything, its digest cannot end the
// HTML comment.
func (i Issue) marker() string {
	return fmt.Sprintf("<!-- penstock:drift:%x -->", sha256.Sum256([]byte(i.Key)))
}

// Issue makes the one issue of a key open and say body, or closes it. An issue that
// a person closed is opened again as long as it holds. Only one that we wrote, and
// that has the label still, is known again; later ones of the same key are closed.
//
// It needs the permission "issues: write".
func (f *Forge) Issue(ctx context.Context, i Issue) (Written, error) {
	var w Written
	var err error
	if i.Open {
		i.Body, err = marked(i.marker(), i.Body)
	}
	switch {
	case err != nil:
	case i.Key == "":
		err = errors.New("it has no key")
	case i.Open && i.Title == "":
		err = errors.New("it has no title")
	default:
		i.Title = cut(i.Title, 250)
		w, err = f.issue(ctx, i)
	}
	if err != nil {
		return Written{}, fmt.Errorf("keeping the issue of %q: %w", i.Key, err)
	}
	return w, nil
}

func (f *Forge) issue(ctx context.Context, i Issue) (Written, error) {
	list, err := f.issues(ctx, i.marker())
	if err != nil {
		return Written{}, err
	}
	if !i.Open {
		return f.closeIssues(ctx, i, list)
	}
	w := Written{Done: Unchanged}
	var created *issue
	if len(list) == 0 {
		if created, err = f.addIssue(ctx, i); err != nil {
			return Written{}, err
		}
		if created != nil {
			w = Written{Done: Created, URL: created.URL}
		}
		if list, err = f.issues(ctx, i.marker()); err != nil {
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
	if created == nil || kept.Number != created.Number { // it was there before, or another run was first
		w.URL = kept.URL
		if w.Done, err = f.editIssue(ctx, i, kept); err != nil {
			return Written{}, err
		}
	}
	for _, other := range list[1:] {
		if other.State == "closed" {
			continue
		}
		if err := f.closeIssue(ctx, other, fmt.Sprintf("The same as #%d.", kept.Number)); err != nil {
			return Written{}, err
		}
		w.Duplicates++
	}
	return w, nil
}

// issue is what is read of one; the library's type has members that Gitea fills
// otherwise.
type issue struct {
	Number      int             `json:"number"`
	URL         string          `json:"html_url"`
	Title       string          `json:"title"`
	Body        string          `json:"body"`
	State       string          `json:"state"`
	User        *github.User    `json:"user"`
	Labels      []*github.Label `json:"labels"`
	PullRequest *struct{}       `json:"pull_request"`
}

// issues are ours with the marker, the oldest first.
func (f *Forge) issues(ctx context.Context, marker string) ([]*issue, error) {
	me, err := f.self(ctx)
	if err != nil {
		return nil, err
	}
	all, err := every(func(o github.ListOptions) (page []*issue, answer *github.Response, err error) {
		answer, err = f.ask(ctx, http.MethodGet, fmt.Sprintf("issues?state=all&labels=%s&sort=created&direction=asc&per_page=%d&page=%d", DriftLabel, o.PerPage, o.Page), nil, &page)
		return page, answer, err
	})
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(i *issue) bool {
		has, _ := MarkerOf(i.Body)
		return !me.is(i.User) || has != marker || i.PullRequest != nil || i.Number <= 0
	})
	slices.SortFunc(all, func(a, b *issue) int { return a.Number - b.Number })
	return slices.CompactFunc(all, func(a, b *issue) bool { return a.Number == b.Number }), nil
}

// editIssue opens an issue and makes it say what it should, in one request.
func (f *Forge) editIssue(ctx context.Context, i Issue, now *issue) (Done, error) {
	var change github.IssueRequest
	done := Unchanged
	if !same(now.Title, i.Title) {
		change.Title, done = &i.Title, Updated
	}
	if !same(now.Body, i.Body) {
		change.Body, done = &i.Body, Updated
	}
	if now.State != "open" {
		change.State, done = github.Ptr("open"), Reopened
	}
	if done == Unchanged {
		return done, nil
	}
	return done, f.changeIssue(ctx, now, change)
}

// closeIssues closes what is open of a key.
func (f *Forge) closeIssues(ctx context.Context, i Issue, list []*issue) (Written, error) {
	w := Written{Done: Unchanged}
	for n, one := range list {
		if n == 0 {
			w.URL = one.URL
		}
		if one.State == "closed" {
			continue
		}
		if err := f.closeIssue(ctx, one, i.Body); err != nil {
			return Written{}, err
		}
		w.Done = Closed
	}
	return w, nil
}

// closeIssue closes an issue, then says why: a run that is killed in between leaves
// a closed issue, and no second comment is made of it.
func (f *Forge) closeIssue(ctx context.Context, one *issue, why string) error {
	if err := f.changeIssue(ctx, one, github.IssueRequest{State: github.Ptr("closed"), StateReason: github.Ptr("completed")}); err != nil {
		return err
	}
	marker := "<!-- penstock:closed:" + rand.Text() + " -->" // of this time only
	body, err := marked(marker, why)
	if err != nil {
		return err
	}
	_, err = f.addComment(ctx, one.Number, marker, body)
	return err
}

func (f *Forge) changeIssue(ctx context.Context, one *issue, change github.IssueRequest) error {
	now := &issue{}
	answer, err := f.ask(ctx, http.MethodPatch, fmt.Sprintf("issues/%d", one.Number), change, now)
	if err == nil && now.Number != one.Number {
		err = unnamed(answer)
	}
	if err != nil {
		return failed(answer, err)
	}
	return nil
}
