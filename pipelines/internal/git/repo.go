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
	"regexp"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
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
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	r := &Repo{Dir: dir, Top: dir}
	out, err := r.run(ctx, nil, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, err
	}
	if out.Exit != 0 {
		err := fmt.Errorf("opening %q: %w", dir, ErrNoRepository)
		if said := firstLine(out.Stderr); !strings.Contains(said, "not a git repository") {
			err = fmt.Errorf("%w: %s", err, said)
		}
		return nil, &pipelines.Error{Err: err, Hint: "use --all, which works without git"}
	}
	r.Top = strings.TrimSuffix(string(out.Stdout), "\n")
	prefix, err := filepath.Rel(r.Top, dir)
	if err != nil {
		return nil, err
	}
	r.Prefix = filepath.ToSlash(prefix)
	return r, nil
}

// git runs git at the top of the repository and returns what it printed.
func (r *Repo) git(ctx context.Context, args ...string) ([]byte, error) {
	out, err := r.run(ctx, nil, args...)
	if err == nil {
		err = failure(out, args)
	}
	return out.Stdout, err
}

func failure(out process.Output, args []string) error {
	if out.Exit == 0 {
		return nil
	}
	return fmt.Errorf("running git %s: %s", args[0], firstLine(out.Stderr))
}

func firstLine(stderr []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(stderr)), "\n")
	return printable.Text(line, 300)
}

// run starts git without whatever a repository could make it start: hooks,
// monitors, pagers, and directories of a checkout that pose as a bare repository.
func (r *Repo) run(ctx context.Context, stdin []byte, args ...string) (process.Output, error) {
	argv := []string{"git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false",
		"-c", "safe.directory=*", "-c", "safe.bareRepository=explicit", "--no-optional-locks", "--no-pager"}
	return process.Run(ctx, process.Command{Argv: append(argv, args...), Dir: r.Top, Env: environment(), Stdin: stdin, Limit: 4 << 30})
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

// Resolve returns the commit that ref names, in hex digits.
func (r *Repo) Resolve(ctx context.Context, ref string) (string, error) {
	out, err := r.run(ctx, nil, "rev-parse", "--verify", "--quiet", "--end-of-options", ref+"^{commit}")
	if err != nil {
		return "", err
	}
	if out.Exit != 0 {
		return "", &pipelines.Error{Err: fmt.Errorf("resolving %q: %w", ref, ErrNoBase), Hint: r.hint(ctx, fetch(ref))}
	}
	return string(bytes.TrimSpace(out.Stdout)), nil
}

// fetch says how to get a ref that is not here.
func fetch(ref string) string {
	branch, remote := strings.CutPrefix(ref, "origin/")
	if !remote || !plain.MatchString(branch) {
		branch = "BRANCH"
	}
	return "name a branch, tag or commit; for one of the remote, run git fetch origin " + branch + " first"
}

var plain = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]*$`)

// hint is what to do next; in a shallow clone that is to deepen it.
func (r *Repo) hint(ctx context.Context, otherwise string) string {
	if r.shallow(ctx) {
		return "this is a shallow clone: run git fetch --unshallow, or check out with fetch-depth: 0"
	}
	return otherwise
}

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
	out, err := r.run(ctx, nil, "merge-base", from, to)
	if err != nil {
		return "", err
	}
	if out.Exit == 1 { // there is none; other exits are faults
		return "", &pipelines.Error{Hint: r.hint(ctx, "name a base that this branch came from"),
			Err: fmt.Errorf("finding the merge base of %q and %q: %w: they share no history", base, head, ErrNoBase)}
	}
	return string(bytes.TrimSpace(out.Stdout)), failure(out, []string{"merge-base"})
}

func (r *Repo) shallow(ctx context.Context) bool {
	out, err := r.git(ctx, "rev-parse", "--is-shallow-repository")
	return err == nil && strings.TrimSpace(string(out)) == "true"
}
