package forge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/google/go-github/v88/github"
)

// author is who the token speaks for.
type author struct {
	id    int64 // 0 where only the name is known
	login string
}

// is says whether something was written by us. GitHub's two APIs differ in whether
// the name of an app ends in "[bot]", which no person's can.
func (a author) is(user *github.User) bool {
	switch {
	case user == nil || a == author{}:
		return false
	case a.id != 0:
		return user.GetID() == a.id
	}
	return strings.EqualFold(user.GetLogin(), a.login) || user.GetType() == "Bot" && strings.EqualFold(user.GetLogin(), a.login+"[bot]")
}

// self asks once who the token speaks for. The token of a job may not ask for the
// user it belongs to, but GraphQL tells it.
func (f *Forge) self(ctx context.Context) (author, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if (f.me != author{}) {
		return f.me, nil
	}
	user, answer, err := f.client.Users.Get(ctx, "")
	if err == nil && user.GetID() > 0 {
		f.me = author{user.GetID(), user.GetLogin()}
		return f.me, nil
	}
	if err == nil {
		return author{}, errors.New("asking who the token belongs to: the answer names nobody")
	}
	err = failed(answer, err)
	if s := status(err); s != http.StatusForbidden && s != http.StatusNotFound {
		return author{}, fmt.Errorf("asking who the token belongs to: %w", err)
	}
	me, err := f.viewer(ctx)
	if err != nil {
		return author{}, fmt.Errorf("asking who the token belongs to: %w", err)
	}
	f.me = me
	return f.me, nil
}

// learn takes it from the answer to something that we just wrote.
func (f *Forge) learn(user *github.User) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if user.GetID() > 0 {
		f.me = author{user.GetID(), user.GetLogin()}
	}
}

// viewer asks GraphQL.
func (f *Forge) viewer(ctx context.Context) (author, error) {
	address := *f.base
	address.Path = strings.TrimSuffix(address.Path, "v3/") + "graphql"
	req, err := f.client.NewRequest(repeatable(ctx, true), http.MethodPost, address.String(), map[string]string{"query": "{ viewer { login databaseId } }"})
	if err != nil {
		return author{}, err
	}
	var said struct {
		Data struct {
			Viewer struct {
				Login string `json:"login"`
				ID    int64  `json:"databaseId"`
			} `json:"viewer"`
		} `json:"data"`
	}
	answer, err := f.client.Do(req, &said)
	if err != nil {
		return author{}, failed(answer, err)
	}
	if said.Data.Viewer.Login == "" {
		return author{}, errors.New("the answer names nobody")
	}
	return author{said.Data.Viewer.ID, said.Data.Viewer.Login}, nil
}
