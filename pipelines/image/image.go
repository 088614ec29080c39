// Package image makes, tests, scans, pushes and promotes the image of a service,
// and keeps beside it what is known of it: SBOM, provenance, and in which
// environments it was deployed. An image is named by its digest everywhere.
package image

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/oci"
	"github.com/penstock-dev/penstock/pipelines/registries"
)

// ErrRefused says that something was read, judged, and must not be: a tag that would
// move, a digest that is another, an image that the environment before did not attest.
var ErrRefused = errors.New("refused")

// ErrReference says that what was given names no image.
var ErrReference = errors.New("this names no image")

// ErrEnvironment says that there is no environment of the name.
var ErrEnvironment = errors.New("no such environment")

// Registry is how registries are reached. Its zero value is what the program uses.
type Registry struct {
	// Keychain has the credentials. Default: those of docker login, and to ECR those of the session with AWS.
	Keychain authn.Keychain
	// Backoff is how often and after how long a request that was throttled or met a
	// broken registry is sent again. Default: five times, after 1, 2, 4 and 8 seconds.
	Backoff remote.Backoff
}

// connection is a registry for the time of one command: tokens are asked for once.
type connection struct {
	options []remote.Option
	pull    *remote.Puller
	push    *remote.Pusher
}

func (r Registry) connect(ctx context.Context) (*connection, error) {
	if r.Keychain == nil {
		r.Keychain = registries.Keychain
	}
	if r.Backoff.Steps == 0 {
		r.Backoff = remote.Backoff{Duration: time.Second, Factor: 2, Jitter: 0.2, Steps: 5}
	}
	options := []remote.Option{remote.WithContext(ctx), remote.WithAuthFromKeychain(r.Keychain), remote.WithUserAgent("penstock"),
		remote.WithRetryBackoff(r.Backoff), remote.WithRetryPredicate(func(err error) bool { return ctx.Err() == nil && passing(err) })}
	pull, err := remote.NewPuller(options...)
	if err != nil {
		return nil, err
	}
	push, err := remote.NewPusher(options...)
	return &connection{options: options, pull: pull, push: push}, err
}

// passing says whether an error may be gone when the same is tried again.
func passing(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var answer *transport.Error
	if errors.As(err, &answer) {
		return answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusRequestTimeout || answer.StatusCode >= 500
	}
	var temporary interface{ Temporary() bool }
	return errors.As(err, &temporary) && temporary.Temporary() || broken(err)
}

// doing says what was being done when the registry answered with an error, and what to do.
func doing(what string, err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", what, err)
	var answer *transport.Error
	var known *pipelines.Error
	if errors.As(err, &known) || !errors.As(err, &answer) {
		return err
	}
	hint := ""
	switch code := answer.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		hint = "log in to the registry: docker login REGISTRY, or its credential helper"
	case code == http.StatusTooManyRequests:
		hint = "the registry throttles: run it again later; what is there already is not sent again"
	case code >= 500:
		hint = "the registry is broken or restarts: run it again; what is there already is not sent again"
	}
	if hint == "" {
		return err
	}
	return &pipelines.Error{Err: err, Hint: hint}
}

func refuse(hint, format string, args ...any) error {
	return &pipelines.Error{Err: fmt.Errorf("%w: %w", ErrRefused, fmt.Errorf(format, args...)), Hint: hint}
}

// ParseDigest reads REGISTRY/REPOSITORY@sha256:... The registry has to be named: where
// it is not, another one would be meant.
func ParseDigest(text string) (name.Digest, error) {
	ref, err := name.NewDigest(text, name.StrictValidation)
	if err != nil || !strings.HasPrefix(text, ref.RegistryStr()+"/") {
		return name.Digest{}, &pipelines.Error{Err: fmt.Errorf("reading %q: %w by its digest", text, ErrReference), Hint: "give REGISTRY/REPOSITORY@sha256:..., as docker-push prints it"}
	}
	return ref, nil
}

// parseRepository reads REGISTRY/REPOSITORY.
func parseRepository(text string) (name.Repository, error) {
	repository, ok := oci.Repository(text)
	if !ok {
		return name.Repository{}, &pipelines.Error{Err: fmt.Errorf("reading %q: %w: it is not a repository", text, ErrReference), Hint: "give REGISTRY/REPOSITORY, without a tag"}
	}
	return repository, nil
}

// parseAny reads REGISTRY/REPOSITORY with a tag or a digest.
func parseAny(text string) (name.Reference, error) {
	ref, err := name.ParseReference(text, name.StrictValidation)
	if err != nil || !strings.HasPrefix(text, ref.Context().RegistryStr()+"/") {
		return nil, &pipelines.Error{Err: fmt.Errorf("reading %q: %w", text, ErrReference), Hint: "give REGISTRY/REPOSITORY:TAG or REGISTRY/REPOSITORY@sha256:..."}
	}
	return ref, nil
}

func parseTag(repository name.Repository, tag string) (name.Tag, error) {
	got, err := name.NewTag(repository.Name()+":"+tag, name.StrictValidation)
	if err != nil || tag == "" || got.TagStr() != tag {
		return name.Tag{}, &pipelines.Error{Err: fmt.Errorf("reading the tag %q: %w", tag, ErrReference), Hint: "a tag has at most 128 letters, digits, _, . and -"}
	}
	return got, nil
}
