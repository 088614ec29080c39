package scaffold

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// kept are the variables by which git finds a person's settings and logs in.
var kept = []string{"PATH", "HOME", "TMPDIR", "XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "SSH_AUTH_SOCK", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
	"http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO"}

// fetch brings one version of a repository to dir and returns its files. They are
// never checked out: no hook, filter or submodule of the repository runs, and no
// symbolic link in it leads anywhere.
func (s source) fetch(ctx context.Context, dir string) (fs.FS, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, &pipelines.Error{Err: errors.New("looking for git: it is not on PATH"), Hint: "install git"}
	}
	if err := run(ctx, dir, "init", "--quiet", "--template="); err != nil {
		return nil, err
	}
	if err := run(ctx, dir, "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--", s.url, s.ref); err != nil {
		return nil, &pipelines.Error{Err: fmt.Errorf("fetching %q: %w", s.ref, err), Hint: "look at the address and the version: git ls-remote " + s.url}
	}
	repo, err := git.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	commit, err := repo.Resolve(ctx, "FETCH_HEAD")
	if err != nil {
		return nil, err
	}
	tree, err := repo.Tree(ctx, commit)
	if err != nil {
		return nil, err
	}
	return tree.FS(), nil
}

func run(ctx context.Context, dir string, args ...string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	env := []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=https:ssh:file", "LC_ALL=C"}
	for _, name := range kept {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	argv := append([]string{"git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "--no-pager"}, args...)
	out, err := process.Run(ctx, process.Command{Argv: argv, Dir: dir, Env: env})
	if err != nil {
		return err
	}
	if out.Exit != 0 {
		return fmt.Errorf("git %s: %s", args[0], printable.Text(strings.TrimSpace(string(out.Stderr)), 300))
	}
	return nil
}
