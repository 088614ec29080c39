package forge

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/go-github/v88/github"

	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// PullRequest is what a pull request is at the moment. Its names are as strangers
// chose them.
type PullRequest struct {
	Number int
	// Fork says that the commits come from another repository, or from one that is
	// gone: its author need not be allowed to write to this one.
	Fork bool
	// HeadRepository is "owner/name", empty where it is gone.
	HeadRepository   string
	HeadRef, BaseRef string
	HeadSHA          string
	Author           string
	Labels           []string
	Open             bool
}

// Moved says that what is to be merged is not, or not any more, the commit.
func (p PullRequest) Moved(sha string) bool { return p.HeadSHA == "" || p.HeadSHA != sha }

// String is the pull request in one line, safe to print.
func (p PullRequest) String() string {
	from := "branch"
	if p.Fork {
		from = "fork " + printable.Text(p.HeadRepository, 200) + ", branch"
	}
	return fmt.Sprintf("pull request %d of %s from %s %s", p.Number, printable.Text(p.Author, 100), from, printable.Text(p.HeadRef, 200))
}

// Pull reads a pull request. An answer that leaves something out is an error.
//
// It needs the permission "pull-requests: read".
func (f *Forge) Pull(ctx context.Context, number int) (PullRequest, error) {
	pull, answer, err := f.client.PullRequests.Get(ctx, f.owner, f.name, number)
	if err != nil {
		return PullRequest{}, fmt.Errorf("reading pull request %d: %w", number, failed(answer, err))
	}
	if err := f.understood(pull, number); err != nil {
		return PullRequest{}, fmt.Errorf("reading pull request %d: %w", number, err)
	}
	head, base := pull.Head, pull.Base
	p := PullRequest{Number: number, HeadRepository: head.GetRepo().GetFullName(), HeadRef: head.GetRef(), BaseRef: base.GetRef(), HeadSHA: head.GetSHA(),
		Author: pull.User.GetLogin(), Open: pull.GetState() == "open"}
	p.Fork = head.GetRepo().GetID() != base.GetRepo().GetID() // 0 where it is gone
	for _, l := range pull.Labels {
		p.Labels = append(p.Labels, l.GetName())
	}
	return p, nil
}

func (f *Forge) understood(p *github.PullRequest, number int) error {
	switch {
	case p.GetNumber() != number:
		return fmt.Errorf("the answer is about pull request %d", p.GetNumber())
	case p.GetState() != "open" && p.GetState() != "closed":
		return fmt.Errorf("its state is %q", printable.Text(p.GetState(), 50))
	case !commit.MatchString(p.GetHead().GetSHA()):
		return errors.New("the answer does not say its commit")
	case p.GetBase().GetRepo().GetID() == 0 || !strings.EqualFold(p.GetBase().GetRepo().GetFullName(), f.owner+"/"+f.name):
		return fmt.Errorf("it is a pull request on %q", printable.Text(p.GetBase().GetRepo().GetFullName(), 200))
	case p.User.GetLogin() == "":
		return errors.New("the answer does not say its author")
	}
	return nil
}
