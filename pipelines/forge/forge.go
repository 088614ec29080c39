// Package forge speaks to GitHub, and to what speaks its API: comments and checks
// on pull requests, issues, and what a workflow run and a pull request are.
//
// Every write may be repeated: it looks for what an earlier run left first. Names
// that strangers chose (logins, branches, titles) are returned as they are, to be
// compared; whoever prints them makes them printable.
package forge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/google/go-github/v88/github"

	"github.com/penstock-dev/penstock/pipelines"
)

// Options say which repository of which forge is spoken to. All but BaseURL are
// needed.
type Options struct {
	// Token comes from the environment or a file, never from an argument.
	Token string
	// BaseURL is that of the API: "https://api.github.com" by default,
	// "https://HOST/api/v3" of GitHub Enterprise, "https://HOST/api/v1" of Gitea.
	BaseURL string
	// Repository is "owner/name".
	Repository string
}

// FromEnvironment reads the options from what GitHub Actions sets: GITHUB_API_URL,
// GITHUB_REPOSITORY, and GITHUB_TOKEN, which a workflow has to pass on.
func FromEnvironment(getenv func(string) string) Options {
	return Options{Token: getenv("GITHUB_TOKEN"), BaseURL: getenv("GITHUB_API_URL"), Repository: getenv("GITHUB_REPOSITORY")}
}

// ReadToken reads a token from a file.
func ReadToken(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the token: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Forge is one repository of a forge. It may be used by several goroutines.
type Forge struct {
	client      *github.Client
	base        *url.URL
	owner, name string
	wait        func(context.Context, time.Duration) error

	mu sync.Mutex
	me author
}

var (
	repository = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]{0,99})/([A-Za-z0-9._-]{1,100})$`)
	tokenText  = regexp.MustCompile(`^[!-~]+$`)
)

// Open checks the options. Nothing is sent yet.
func Open(o Options) (*Forge, error) {
	names := repository.FindStringSubmatch(o.Repository)
	if names == nil || names[2] == "." || names[2] == ".." {
		return nil, &pipelines.Error{Err: fmt.Errorf("opening the forge: %q is no repository, as \"owner/name\" is", o.Repository), Hint: "set GITHUB_REPOSITORY"}
	}
	if !tokenText.MatchString(o.Token) { // the token itself is not shown
		return nil, &pipelines.Error{Err: errors.New("opening the forge: there is no token, or it is not one line of text"), Hint: "set GITHUB_TOKEN"}
	}
	base, err := baseURL(o.BaseURL)
	if err != nil {
		return nil, &pipelines.Error{Err: fmt.Errorf("opening the forge: %w", err), Hint: "set GITHUB_API_URL to the https address of the API"}
	}
	f := &Forge{base: base, owner: names[1], name: names[2], wait: pause}
	t := &transport{base: http.DefaultTransport, scheme: base.Scheme, host: base.Host, token: o.Token, now: time.Now,
		wait: func(ctx context.Context, d time.Duration) error { return f.wait(ctx, d) }}
	address := base.String()
	f.client, err = github.NewClient(github.WithHTTPClient(&http.Client{Transport: t, CheckRedirect: sameMethod}),
		github.WithURLs(&address, &address), github.WithUserAgent("penstock"), github.WithDisableRateLimitCheck())
	if err != nil {
		return nil, fmt.Errorf("opening the forge: %w", err)
	}
	return f, nil
}

// baseURL refuses an address to which the token would go in the clear.
func baseURL(address string) (*url.URL, error) {
	if address == "" {
		address = "https://api.github.com"
	}
	base, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("the address of the API cannot be read") // it may hold a password
	}
	if base.User != nil || base.Host == "" || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the address of the API is not of the form https://HOST/PATH")
	}
	if base.Scheme != "https" && (base.Scheme != "http" || !loopback(base.Hostname())) {
		return nil, fmt.Errorf("the token would go unencrypted to %q", base.Host)
	}
	base.Path = strings.TrimRight(base.Path, "/") + "/"
	return base, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// pause waits, unless the context ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// ask sends a request about the repository that the library has no method for, or
// whose answer it takes for more than it is.
func (f *Forge) ask(ctx context.Context, method, path string, in, out any) (*github.Response, error) {
	req, err := f.client.NewRequest(ctx, method, fmt.Sprintf("repos/%s/%s/%s", f.owner, f.name, path), in)
	if err != nil {
		return nil, err
	}
	return f.client.Do(req, out)
}

// pages is how many pages of a list are read at most: what is beyond them is an
// error, never a silently shorter list.
const pages = 100

// every reads all pages of a list.
func every[T any](page func(github.ListOptions) ([]T, *github.Response, error)) ([]T, error) {
	var all []T
	o := github.ListOptions{PerPage: 100, Page: 1}
	for range pages {
		some, answer, err := page(o)
		if err != nil {
			return nil, failed(answer, err)
		}
		all = append(all, some...)
		if answer.NextPage == 0 {
			return all, nil
		}
		if answer.NextPage <= o.Page {
			return nil, fmt.Errorf("reading a list: page %d says that page %d is next", o.Page, answer.NextPage)
		}
		o.Page = answer.NextPage
	}
	return nil, fmt.Errorf("reading a list: it has more than %d pages", pages)
}
