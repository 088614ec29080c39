// Package git reads repositories through the git program. Its trees are what
// the catalog compares: no checkout is touched and no hook or filter of the
// repository runs.
package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// Repo is a repository, seen from a directory in it.
type Repo struct {
	// Dir is the directory that it was opened with, absolute.
	Dir string
	// Top is the repository's top directory, absolute.
	Top string
	// Prefix is Dir relative to Top, slash-separated; "." when they are the same.
	Prefix string
}

// ErrNoRepository says that a directory is in no repository.
var ErrNoRepository = errors.New("this is not a git repository")

// ErrNoBase says that a base cannot be resolved, or shares no history.
var ErrNoBase = errors.New("the base cannot be found")

// Open finds the repository that dir is in.
func Open(ctx context.Context, dir string) (*Repo, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, &pipelines.Error{Err: errors.New("looking for git: it is not on PATH"), Hint: "install git, or use --all, which works without it"}
	}
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	r := &Repo{Dir: dir, Top: dir}
	out, err := r.git(ctx, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, &pipelines.Error{Err: fmt.Errorf("opening %q: %w", dir, ErrNoRepository), Hint: "use --all, which works without git"}
	}
	r.Top = strings.TrimSuffix(string(out), "\n")
	prefix, err := filepath.Rel(r.Top, dir)
	if err != nil {
		return nil, err
	}
	r.Prefix = filepath.ToSlash(prefix)
	return r, nil
}

// git runs git at the top of the repository, without whatever a configuration
// could make it start: hooks, monitors, pagers, external diffs.
func (r *Repo) git(ctx context.Context, args ...string) ([]byte, error) {
	return r.gitIn(ctx, nil, args...)
}

func (r *Repo) gitIn(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	argv := []string{"git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false",
		"-c", "safe.directory=*", "--no-optional-locks", "--no-pager"}
	out, err := process.Run(ctx, process.Command{Argv: append(argv, args...), Dir: r.Top, Env: environment(), Stdin: stdin, Limit: 4 << 30})
	if err != nil {
		return nil, err
	}
	if out.Exit != 0 {
		message, _, _ := strings.Cut(strings.TrimSpace(string(out.Stderr)), "\n")
		return nil, fmt.Errorf("running git %s: %s", args[0], message)
	}
	return out.Stdout, nil
}

// environment keeps what finds git and a home, and nothing that points it elsewhere.
func environment() []string {
	env := []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_LITERAL_PATHSPECS=1", "LC_ALL=C"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// Resolve returns the commit that ref names, as 40 hex digits.
func (r *Repo) Resolve(ctx context.Context, ref string) (string, error) {
	out, err := r.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if err != nil {
		if ctx.Err() != nil {
			return "", err
		}
		hint := "name a branch, tag or commit; for one of the remote, run git fetch origin first"
		if r.shallow(ctx) {
			hint = deepen
		}
		return "", &pipelines.Error{Err: fmt.Errorf("resolving %q: %w", ref, ErrNoBase), Hint: hint}
	}
	return string(bytes.TrimSpace(out)), nil
}

const deepen = "this is a shallow clone: run git fetch --unshallow, or check out with fetch-depth: 0"

// MergeBase returns the commit at which base and head parted; head "" is HEAD.
func (r *Repo) MergeBase(ctx context.Context, base, head string) (string, error) {
	if head == "" {
		head = "HEAD"
	}
	from, err := r.Resolve(ctx, base)
	if err != nil {
		return "", err
	}
	to, err := r.Resolve(ctx, head)
	if err != nil {
		return "", err
	}
	out, err := r.git(ctx, "merge-base", from, to)
	if err != nil {
		hint := "name a base that this branch came from"
		if r.shallow(ctx) {
			hint = deepen
		}
		return "", &pipelines.Error{Err: fmt.Errorf("finding the merge base of %q and %q: %w: they share no history", base, head, ErrNoBase), Hint: hint}
	}
	return string(bytes.TrimSpace(out)), nil
}

func (r *Repo) shallow(ctx context.Context) bool {
	out, err := r.git(ctx, "rev-parse", "--is-shallow-repository")
	return err == nil && strings.TrimSpace(string(out)) == "true"
}
