package image

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// Labels say where an image comes from. They stand in the configuration of each
// platform and as annotations of each manifest, by the names of the OCI.
type Labels struct {
	// Source is the URL of the repository. What it holds of a user or a password is left out.
	Source string
	// Revision is the commit, in hex digits; "-dirty" behind it says that the tree differed.
	Revision string
	// Version is that of the service, where it has one.
	Version string
	// Title is the name of the service.
	Title string
	// Created is when the source was made: the time of the commit, so that the same
	// source gives the same digest. Default: 1970-01-01.
	Created time.Time
}

const (
	createdLabel  = "org.opencontainers.image.created"
	revisionLabel = "org.opencontainers.image.revision"
	sourceLabel   = "org.opencontainers.image.source"
	versionLabel  = "org.opencontainers.image.version"
	titleLabel    = "org.opencontainers.image.title"
)

var revisionForm = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})(-dirty)?$`)

func (l Labels) check() error {
	if l.Revision != "" && !revisionForm.MatchString(l.Revision) {
		return &pipelines.Error{Err: fmt.Errorf("reading the revision %q: it is not the full hash of a commit", l.Revision), Hint: `--revision "$(git rev-parse HEAD)"`}
	}
	return nil
}

func (l Labels) created() time.Time {
	if l.Created.IsZero() {
		return time.Unix(0, 0).UTC()
	}
	return l.Created.UTC().Truncate(time.Second)
}

// annotations are the labels that were given, by the names of the OCI.
func (l Labels) annotations() map[string]string {
	all := map[string]string{createdLabel: l.created().Format(time.RFC3339)}
	for key, value := range map[string]string{revisionLabel: l.Revision, sourceLabel: PlainURL(l.Source), versionLabel: l.Version, titleLabel: l.Title} {
		if value != "" {
			all[key] = value
		}
	}
	return all
}

// PlainURL is the address of a repository without user and password: a remote of git
// may hold a token. git@HOST:PATH is written as https://HOST/PATH.
func PlainURL(remote string) string {
	if host, path, ok := strings.Cut(remote, ":"); ok && !strings.Contains(remote, "://") && !strings.Contains(host, "/") {
		if _, after, ok := strings.Cut(host, "@"); ok {
			host = after
		}
		remote = "https://" + host + "/" + path
	}
	u, err := url.Parse(remote)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return strings.TrimSuffix(u.String(), ".git")
}
