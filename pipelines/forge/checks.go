package forge

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-github/v88/github"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// Said is what one check or commit status says of a commit.
type Said struct {
	// Name is that of the check, or the context of the status, made printable.
	Name string `json:"name"`
	// State is the conclusion, or what it is at: success, failure, in_progress...
	State string `json:"state"`
	// Green: it passed, or did not apply.
	Green bool `json:"green"`
	// URL is where more is said.
	URL string `json:"url,omitempty"`
}

// Of says whether it is said by the workflow run at an address.
func (s Said) Of(run string) bool {
	return run != "" && (s.URL == run || strings.HasPrefix(s.URL, strings.TrimSuffix(run, "/")+"/"))
}

// Checks returns what check runs and commit statuses say of a commit, the latest of each
// name. An empty list says that nothing has checked it. A forge without check runs
// (Gitea) has statuses alone; one that does not let the token see them is an error.
//
// It needs the permissions "checks: read" and "statuses: read".
func (f *Forge) Checks(ctx context.Context, sha string) ([]Said, error) {
	if !commit.MatchString(sha) {
		return nil, fmt.Errorf("asking for the checks: %q is no full commit", printable.Text(sha, 64))
	}
	said, err := f.statuses(ctx, sha)
	if err == nil {
		var runs []Said
		runs, err = f.checkRuns(ctx, sha)
		said = append(said, runs...)
	}
	if err != nil {
		return nil, fmt.Errorf("asking for the checks of commit %s: %w", sha, err)
	}
	slices.SortStableFunc(said, func(a, b Said) int { return cmp.Compare(a.Name, b.Name) })
	return said, nil
}

// commitState is a commit status; what GitHub calls its state Gitea calls its status.
type commitState struct {
	ID      int64  `json:"id"`
	Context string `json:"context"`
	State   string `json:"state"`
	Status  string `json:"status"`
	URL     string `json:"target_url"`
}

func (f *Forge) statuses(ctx context.Context, sha string) ([]Said, error) {
	all, err := every(func(o github.ListOptions) (page []commitState, answer *github.Response, err error) {
		answer, err = f.ask(ctx, http.MethodGet, fmt.Sprintf("commits/%s/statuses?per_page=%d&limit=%d&page=%d", sha, o.PerPage, o.PerPage, o.Page), nil, &page)
		return page, answer, err
	})
	if err != nil {
		return nil, err
	}
	latest := map[string]commitState{}
	for _, s := range all { // the id grows; the order of the list is the forge's
		if s.ID <= 0 || s.State+s.Status == "" {
			return nil, fmt.Errorf("a status does not say what it is: %q", printable.Text(s.Context, 100))
		}
		if had, ok := latest[s.Context]; !ok || had.ID < s.ID {
			latest[s.Context] = s
		}
	}
	var said []Said
	for name, s := range latest {
		state := cmp.Or(s.State, s.Status)
		said = append(said, Said{Name: printable.Text(name, 200), State: printable.Text(state, 50), Green: state == "success", URL: s.URL})
	}
	return said, nil
}

func (f *Forge) checkRuns(ctx context.Context, sha string) ([]Said, error) {
	all, err := every(func(o github.ListOptions) ([]*github.CheckRun, *github.Response, error) {
		list, answer, err := f.client.Checks.ListCheckRunsForRef(ctx, f.owner, f.name, sha, &github.ListCheckRunsOptions{Filter: github.Ptr("latest"), ListOptions: o})
		if err == nil && list.Total == nil {
			err = unnamed(answer)
		}
		if err != nil {
			return nil, answer, err
		}
		return list.CheckRuns, answer, nil
	})
	if status(err) == http.StatusNotFound { // the statuses of the same commit were there: it has none
		return nil, nil
	}
	var said []Said
	for _, run := range all {
		state := run.GetConclusion()
		if run.GetStatus() != "completed" {
			state = run.GetStatus()
		}
		said = append(said, Said{Name: printable.Text(run.GetName(), 200), State: printable.Text(state, 50),
			Green: run.GetStatus() == "completed" && slices.Contains([]string{"success", "neutral", "skipped"}, state), URL: run.GetDetailsURL()})
	}
	return said, err
}
