package release

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/git"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
)

// repo is a repository and the remote that releases go to. Nothing of it writes a ref,
// a checkout or the index of the repository: only objects are added.
type repo struct {
	*git.Repo
	remote string
}

// passed are the variables that reach a remote, beside those that find git and a home.
var passed = []string{"PATH", "HOME", "TMPDIR", "USER", "SSH_AUTH_SOCK", "SSH_AGENT_PID", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy",
	"NO_PROXY", "no_proxy", "ALL_PROXY", "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSH", "GIT_SSH_COMMAND", "GIT_ASKPASS", "XDG_CONFIG_HOME",
	"GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_CONFIG_GLOBAL"}

// run starts git in dir. No hook runs, nothing asks at a terminal, nothing is signed or
// collected on the way.
func run(ctx context.Context, dir string, env []string, stdin []byte, args ...string) (process.Output, error) {
	argv := []string{"git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false", "-c", "safe.directory=*",
		"-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "push.followTags=false", "-c", "push.gpgSign=false", "-c", "protocol.ext.allow=never",
		"-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=300", // a server that is silent for so long will not answer
		"-c", "core.logAllRefUpdates=false", "-c", "submodule.recurse=false", "-c", "advice.detachedHead=false", "--no-optional-locks", "--no-pager"}
	all := []string{"GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_LITERAL_PATHSPECS=1", "LC_ALL=C"}
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			all = append(all, name+"="+value)
		}
	}
	return process.Run(ctx, process.Command{Argv: append(argv, args...), Dir: dir, Env: append(all, env...), Stdin: stdin, Limit: 1 << 30})
}

func (r *repo) git(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	out, err := run(ctx, r.Top, nil, stdin, args...)
	return out.Stdout, failed(out, err, args)
}

func failed(out process.Output, err error, args []string) error {
	if err != nil || out.Exit == 0 {
		return err
	}
	return fmt.Errorf("running git %s: %s", args[0], said(out.Stderr))
}

// said is what git had to say; an address in it is shown without its password.
func said(stderr []byte) string {
	text := strings.TrimSpace(string(stderr))
	lines := strings.Split(text, "\n")
	for _, line := range lines { // the fault itself, and not what led to it
		if strings.HasPrefix(line, "fatal:") || strings.HasPrefix(line, "error:") {
			text = line
			break
		}
	}
	return printable.Text(withoutPassword(text), 400)
}

var password = regexp.MustCompile(`(://)[^/@\s']+@`)

func withoutPassword(text string) string { return password.ReplaceAllString(text, "$1***@") }

// ErrRefused says that a release must not be, and nothing was changed.
var ErrRefused = errors.New("the release is refused")

// ErrRemote says that the remote cannot be named so.
var ErrRemote = errors.New("there cannot be such a remote")

func checkRemote(remote string) error {
	if remote == "" || strings.HasPrefix(remote, "-") || strings.ContainsAny(remote, "\n\x00") {
		return &pipelines.Error{Err: fmt.Errorf("opening the remote %q: %w", withoutPassword(remote), ErrRemote), Hint: "name a remote, such as origin, or its address"}
	}
	return nil
}

// refs are what a remote has at one moment.
type refs struct {
	// all is by full name: the object that a ref names.
	all map[string]string
	// peeled are the commits that annotated tags lead to.
	peeled map[string]string
	// head is the branch that the remote's HEAD names, as refs/heads/x, or "".
	head string
}

var refLine = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})\t(.+)$`)

// lsRemote asks a remote what it has.
func lsRemote(ctx context.Context, dir, remote string) (*refs, error) {
	args := []string{"ls-remote", "--symref", "--end-of-options", remote}
	out, err := run(ctx, dir, nil, nil, args...)
	if err = failed(out, err, args); err != nil {
		return nil, &pipelines.Error{Err: fmt.Errorf("asking the remote %q for its tags: %w", withoutPassword(remote), err), Hint: "check --remote, and that git ls-remote reaches it"}
	}
	r := &refs{all: map[string]string{}, peeled: map[string]string{}}
	for line := range strings.SplitSeq(string(out.Stdout), "\n") {
		if to, ok := strings.CutPrefix(line, "ref: "); ok {
			if branch, ok := strings.CutSuffix(to, "\tHEAD"); ok {
				r.head = branch
			}
			continue
		}
		m := refLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if tag, ok := strings.CutSuffix(m[2], "^{}"); ok {
			r.peeled[tag] = m[1]
		} else {
			r.all[m[2]] = m[1]
		}
	}
	return r, nil
}

// commitOf is the commit that a tag leads to, annotated or not.
func (r *refs) commitOf(ref string) string {
	if commit, ok := r.peeled[ref]; ok {
		return commit
	}
	return r.all[ref]
}

// fetch brings the objects of refs that are not here, without writing a ref.
func (r *repo) fetch(ctx context.Context, have *refs, wanted []string) error {
	var ask, specs bytes.Buffer
	for _, ref := range wanted {
		fmt.Fprintln(&ask, have.all[ref])
	}
	out, err := r.git(ctx, ask.Bytes(), "cat-file", "--batch-check")
	if err != nil {
		return err
	}
	lines := strings.Split(string(out), "\n")
	for i, ref := range wanted {
		if i >= len(lines) || strings.HasSuffix(lines[i], " missing") {
			fmt.Fprintln(&specs, ref)
		}
	}
	if specs.Len() == 0 {
		return nil
	}
	_, err = r.git(ctx, specs.Bytes(), "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--refmap=", "--no-recurse-submodules",
		"--stdin", "--end-of-options", r.remote)
	if err != nil {
		return fmt.Errorf("fetching from the remote %q: %w", withoutPassword(r.remote), err)
	}
	return nil
}

// ancestor says whether one commit is another or came before it.
func (r *repo) ancestor(ctx context.Context, old, now string) (bool, error) {
	args := []string{"merge-base", "--is-ancestor", "--end-of-options", old, now}
	out, err := run(ctx, r.Top, nil, nil, args...)
	if err == nil && out.Exit == 1 {
		return false, nil
	}
	return err == nil && out.Exit == 0, failed(out, err, args)
}

// shallow says whether some history is missing here.
func (r *repo) shallow(ctx context.Context) (bool, error) {
	out, err := r.git(ctx, nil, "rev-parse", "--is-shallow-repository")
	return strings.TrimSpace(string(out)) != "false", err
}

// dirty is a file that differs from the commit, or "". The evidence, and what lies beside
// it in a directory of its own, may be there without being tracked.
func (r *repo) dirty(ctx context.Context, evidence string) (string, error) {
	out, err := r.git(ctx, nil, "status", "--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=none", "--untracked-files=all")
	if err != nil {
		return "", err
	}
	beside := ""
	if full, err := filepath.Abs(evidence); evidence != "" && err == nil {
		if full, err = filepath.EvalSymlinks(full); err == nil {
			if rel, err := filepath.Rel(r.Top, full); err == nil {
				evidence, beside = filepath.ToSlash(rel), filepath.ToSlash(filepath.Dir(rel))
			}
		}
	}
	for line := range bytes.SplitSeq(out, []byte{0}) {
		if len(line) < 4 {
			continue
		}
		name := string(line[3:])
		if line[0] == '?' && evidence != "" && (name == evidence || beside != "." && strings.HasPrefix(name, beside+"/")) {
			continue
		}
		return printable.Path(name), nil
	}
	return "", nil
}

// hashes writes objects of one kind and returns their names, in order.
func (r *repo) hashes(ctx context.Context, kind string, objects [][]byte) ([]string, error) {
	if len(objects) == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp("", "penstock-release-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var paths bytes.Buffer
	for i, object := range objects {
		file := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(file, object, 0o600); err != nil {
			return nil, err
		}
		fmt.Fprintln(&paths, file)
	}
	out, err := r.git(ctx, paths.Bytes(), "hash-object", "-t", kind, "-w", "--no-filters", "--stdin-paths")
	if err != nil {
		return nil, err
	}
	list := strings.Fields(string(out))
	if len(list) != len(objects) {
		return nil, fmt.Errorf("writing %d objects: git named %d", len(objects), len(list))
	}
	return list, nil
}

// identity is who releases, as git is configured, or Penstock itself: what git makes of
// the name of a machine is another on each.
func (r *repo) identity(ctx context.Context) string {
	who := "Penstock <penstock@example.invalid>"
	if out, err := run(ctx, r.Top, nil, nil, "-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT"); err == nil && out.Exit == 0 {
		if end := bytes.LastIndexByte(out.Stdout, '>'); end > 0 {
			who = printable.Text(string(out.Stdout[:end+1]), 300)
		}
	}
	return who
}
