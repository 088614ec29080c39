package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/google/go-github/v88/github"
)

// addIssue creates an issue once, with its label in the same request: without it
// the issue would not be found again. It is nil where the answer was lost and the
// issue is there all the same.
func (f *Forge) addIssue(ctx context.Context, i Issue) (*issue, error) {
	var created *issue
	var labels any = []string{DriftLabel}
	err := f.writeOnce(ctx, func() error {
		made, err := f.postIssue(ctx, i, labels)
		if _, names := labels.([]string); names && status(err) == http.StatusUnprocessableEntity {
			// Gitea knows labels by their numbers here, and only those that exist.
			id, missing := f.labelID(ctx)
			if missing != nil {
				return fmt.Errorf("%w; and asking for the number of the label: %w", err, missing)
			}
			labels = []int64{id}
			made, err = f.postIssue(ctx, i, labels)
		}
		created = made
		return err
	}, func() (bool, error) {
		list, err := f.issues(ctx, i.marker())
		return len(list) > 0, err
	})
	if err != nil || created == nil {
		return nil, err
	}
	f.learn(created.User)
	if slices.ContainsFunc(created.Labels, ours) {
		return created, nil
	}
	// GitHub drops labels of those who may not set them, and says nothing.
	err = fmt.Errorf("the label %q does not stay on issue %d", DriftLabel, created.Number)
	return nil, errors.Join(err, f.closeIssue(ctx, created, "It has no label, and would not be found again."))
}

func ours(l *github.Label) bool { return l.GetName() == DriftLabel }

// postIssue sends the request itself, as the library knows labels by name only.
func (f *Forge) postIssue(ctx context.Context, i Issue, labels any) (*issue, error) {
	made := &issue{}
	answer, err := f.ask(ctx, http.MethodPost, "issues", map[string]any{"title": i.Title, "body": i.Body, "labels": labels}, made)
	if err != nil {
		return nil, failed(answer, err)
	}
	if made.Number <= 0 {
		return nil, unnamed(answer)
	}
	return made, nil
}

// labelID is the number of our label, which is created where it is missing.
func (f *Forge) labelID(ctx context.Context) (int64, error) {
	known, err := every(func(o github.ListOptions) ([]*github.Label, *github.Response, error) {
		return f.client.Issues.ListLabels(ctx, f.owner, f.name, &o)
	})
	if err != nil {
		return 0, err
	}
	if i := slices.IndexFunc(known, ours); i >= 0 {
		return known[i].GetID(), nil
	}
	made, answer, err := f.client.Issues.CreateLabel(ctx, f.owner, f.name, &github.Label{Name: github.Ptr(DriftLabel),
		Color: github.Ptr("d93f0b"), Description: github.Ptr("Kept by penstock: opened and closed by itself")})
	if err == nil && made.GetID() <= 0 {
		err = unnamed(answer)
	}
	if err != nil {
		return 0, failed(answer, err)
	}
	return made.GetID(), nil
}
