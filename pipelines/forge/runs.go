package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/google/go-github/v88/github"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/ledger"
)

// Approval is a person's word that a workflow run may use environments.
type Approval struct {
	Login string
	ID    int64
	// Environments are named as the forge spells them.
	Environments []string
	Comment      string
}

// review is one element of what GitHub answers; the library has no type for it.
type review struct {
	State        string       `json:"state"`
	Comment      string       `json:"comment"`
	User         *github.User `json:"user"`
	Environments []struct {
		Name string `json:"name"`
	} `json:"environments"`
}

// Approved returns who approved the environments of a workflow run, in all its
// attempts: GitHub does not say in which. Anything that is not understood is an
// error. No approval at all is an empty list: the environment may ask for none.
//
// It needs the permission "actions: read".
func (f *Forge) Approved(ctx context.Context, run int64) ([]Approval, error) {
	fault := func(err error) ([]Approval, error) {
		return nil, fmt.Errorf("reading who approved run %d: %w", run, err)
	}
	reviews, err := every(func(o github.ListOptions) (page []review, answer *github.Response, err error) {
		answer, err = f.ask(ctx, http.MethodGet, fmt.Sprintf("actions/runs/%d/approvals?per_page=%d&page=%d", run, o.PerPage, o.Page), nil, &page)
		return page, answer, err
	})
	if err != nil {
		return fault(err)
	}
	var approved []Approval
	for _, r := range reviews {
		switch {
		case r.State == "pending" || r.State == "rejected": // an earlier attempt, since this one runs
			continue
		case r.State != "approved":
			return fault(fmt.Errorf("%s said %q", printable.Text(r.User.GetLogin(), 100), printable.Text(r.State, 50)))
		case r.User.GetID() <= 0 || r.User.GetLogin() == "" || len(r.Environments) == 0:
			return fault(errors.New("an approval does not say by whom, or of what"))
		}
		a := Approval{Login: r.User.GetLogin(), ID: r.User.GetID(), Comment: r.Comment}
		for _, e := range r.Environments {
			if e.Name == "" {
				return fault(errors.New("an approval does not name its environment"))
			}
			a.Environments = append(a.Environments, e.Name)
		}
		approved = append(approved, a)
	}
	return approved, nil
}

// RunOver says whether an attempt of a workflow run is completed; it is what
// ledger.Coroner asks. A run that is not of this repository, or that the forge does
// not know, is an error: neither proves that it is dead.
//
// It needs the permission "actions: read".
func (f *Forge) RunOver(ctx context.Context, ci ledger.CI) (bool, error) {
	over, err := f.runOver(ctx, ci)
	if err != nil {
		return false, fmt.Errorf("asking whether run %s is over: %w", printable.Text(ci.RunID, 50), err)
	}
	return over, nil
}

func (f *Forge) runOver(ctx context.Context, ci ledger.CI) (bool, error) {
	id, attempt, err := f.numbers(ci)
	if err != nil {
		return false, err
	}
	run, answer, err := f.client.Actions.GetWorkflowRunAttempt(ctx, f.owner, f.name, id, int(attempt), nil)
	if err != nil {
		return false, failed(answer, err)
	}
	if run.GetID() != id || int64(run.GetRunAttempt()) != attempt {
		return false, fmt.Errorf("the answer is about attempt %d of run %d", run.GetRunAttempt(), run.GetID())
	}
	if run.GetStatus() != "completed" && !slices.Contains(unfinished, run.GetStatus()) {
		return false, fmt.Errorf("its status is %q", printable.Text(run.GetStatus(), 50))
	}
	return run.GetStatus() == "completed", nil
}

// unfinished are the statuses that are known to come before the end.
var unfinished = []string{"queued", "in_progress", "requested", "waiting", "pending"}

// numbers are those of a run and its attempt, if they are of this repository.
func (f *Forge) numbers(ci ledger.CI) (id, attempt int64, err error) {
	if ci.Forge != "github" {
		return 0, 0, fmt.Errorf("it is of the forge %q", printable.Text(ci.Forge, 50))
	}
	if id, err = positive(ci.RunID); err != nil {
		return 0, 0, err
	}
	if attempt, err = positive(ci.Attempt); err != nil {
		return 0, 0, err
	}
	return id, attempt, f.owns(ci.RunURL, id)
}

func positive(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 63)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%q is no number of a run or attempt", printable.Text(text, 50))
	}
	return n, nil
}

// owns refuses a run of another repository or forge: under the same number there is
// another run here, or none.
func (f *Forge) owns(address string, id int64) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("its address cannot be read")
	}
	if want := fmt.Sprintf("/%s/%s/actions/runs/%d", f.owner, f.name, id); !strings.EqualFold(u.Path, want) {
		return fmt.Errorf("it is at %q, which is no run of %s/%s", printable.Text(u.Path, 300), f.owner, f.name)
	}
	if u.Host != strings.TrimPrefix(f.base.Host, "api.") {
		return fmt.Errorf("it is on %q, asked is %q", printable.Text(u.Host, 200), f.base.Host)
	}
	return nil
}
