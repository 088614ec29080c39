// Package oidc keeps a file with an OIDC token of the forge that does not get too old.
//
// A token of GitHub lives for five minutes, and a deploy for longer: whoever assumes a
// role reads the file anew, each time. Only we hold the right to ask for tokens, of any
// audience; terraform, its providers and helm see the file at most.
package oidc

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sethvargo/go-githubactions"

	"github.com/penstock-dev/penstock/pipelines"
)

// Variables are those of GitHub's runner, in a job with id-token: write.
var Variables = []string{"ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"}

// Audience is the one that AWS wants.
const Audience = "sts.amazonaws.com"

// Keeper keeps a token fresh.
type Keeper struct {
	// Getenv says what Variables are.
	Getenv func(string) string
	// Tell hears why a token could not be fetched anew. The one before stays in the file.
	Tell func(error)
	// After is the clock. Default: time.After.
	After func(time.Duration) <-chan time.Time
}

// Bounds of what is waited for between two tokens, and what is after a failure.
const (
	longest  = 2 * time.Minute
	shortest = time.Second
	retry    = 5 * time.Second
)

// Keep fetches a token, writes it to a file of its own and replaces it whenever half of
// its life is over, until stop is called. That the command is told to stop does not end
// it: what winds up needs its rights.
func (k Keeper) Keep(ctx context.Context) (file string, stop func(), err error) {
	for _, name := range Variables {
		if k.Getenv(name) == "" {
			return "", nil, &pipelines.Error{Err: fmt.Errorf("asking the forge for an OIDC token: %s is empty", name),
				Hint: "give the job the permission id-token: write, or name a token with --oidc-token-file FILE"}
		}
	}
	if k.After == nil {
		k.After = time.After
	}
	token, err := k.first(ctx)
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "penstock-oidc-")
	if err != nil {
		return "", nil, fmt.Errorf("making room for the OIDC token: %w", err)
	}
	file = filepath.Join(dir, "token")
	if err := write(file, token); err != nil {
		_ = os.RemoveAll(dir)
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.renew(ctx, file, life(token)/2)
	}()
	return file, func() {
		cancel()
		<-done
		_ = os.RemoveAll(dir)
	}, nil
}

// first fetches the first token, with patience: without it there is nothing to do.
func (k Keeper) first(ctx context.Context) (string, error) {
	for attempt := 1; ; attempt++ {
		token, err := k.fetch(ctx)
		var refused *githubactions.RequestFailedError
		if err == nil || attempt == 4 || errors.As(err, &refused) && refused.StatusCode < 500 && refused.StatusCode != http.StatusTooManyRequests {
			return token, err
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("asking the forge for an OIDC token: %w", ctx.Err())
		case <-k.After(retry):
		}
	}
}

func (k Keeper) renew(ctx context.Context, file string, wait time.Duration) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.After(min(max(wait, shortest), longest)):
		}
		token, err := k.fetch(ctx)
		if err == nil {
			err = write(file, token)
		}
		if wait = retry; err == nil {
			wait = life(token) / 2
		} else if ctx.Err() == nil && k.Tell != nil {
			k.Tell(err)
		}
	}
}

func (k Keeper) fetch(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	token, err := githubactions.New(githubactions.WithGetenv(k.Getenv), githubactions.WithHTTPClient(&http.Client{})).GetIDToken(ctx, Audience)
	var refused *githubactions.RequestFailedError
	var unreached *url.Error
	switch {
	case errors.As(err, &refused): // what it says beside may repeat what it was asked with
		refused.Body = ""
		return "", &pipelines.Error{Err: fmt.Errorf("asking the forge for an OIDC token: it answered with %d: %w", refused.StatusCode, err),
			Hint: "the job needs the permission id-token: write, and has to run still"}
	case errors.As(err, &unreached): // without its address, which is a secret where it comes as one
		return "", fmt.Errorf("asking the forge for an OIDC token: %w", unreached.Err)
	case err != nil:
		return "", fmt.Errorf("asking the forge for an OIDC token: %w", err)
	case token == "" || strings.ContainsAny(token, " \t\r\n"):
		return "", errors.New("asking the forge for an OIDC token: the answer holds none")
	}
	return token, nil
}

// write replaces the file as a whole: nobody reads half a token.
func write(file, token string) error {
	if err := os.WriteFile(file+".new", []byte(token), 0o600); err != nil {
		return fmt.Errorf("writing the OIDC token: %w", err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		return fmt.Errorf("writing the OIDC token: %w", err)
	}
	return nil
}

// life is how long a token holds, by its own account: our clock may be another than the
// forge's. What cannot be read is renewed as GitHub's own.
func life(token string) time.Duration {
	var claims struct {
		Issued  int64 `json:"iat"`
		Before  int64 `json:"nbf"`
		Expires int64 `json:"exp"`
	}
	if parts := strings.Split(token, "."); len(parts) == 3 {
		if text, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(text, &claims)
		}
	}
	issued := cmp.Or(claims.Issued, claims.Before)
	if issued == 0 || claims.Expires <= issued {
		return 2 * longest
	}
	return time.Duration(min(claims.Expires-issued, int64(24*time.Hour/time.Second))) * time.Second
}
