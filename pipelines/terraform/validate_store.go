package terraform

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/penstock-dev/penstock/pipelines"
)

// store is where providers come from. Terraform's own plugin cache is not safe
// under parallel runs, so ours is only ever read by them: as a filesystem mirror.
// What is missing is fetched by one init at a time, elsewhere, and moved in whole.
type store struct {
	// mirror is the user's; nothing is fetched where there is one.
	mirror string
	// fetched is the directory of what came from registries.
	fetched string
	allow   []string
	// registry goes into the CLI configuration.
	registry string
	filling  sync.Mutex
	// unreachable is why the registry did not answer; it is not asked again.
	unreachable string
	// fills counts how often something was fetched.
	fills int
}

// hashicorp is allowed unless something else is said.
var hashicorp = []string{"registry.terraform.io/hashicorp/*", "registry.opentofu.org/hashicorp/*"}

func (v Validate) openStore() (*store, error) {
	s := &store{allow: v.Allow, registry: v.registry}
	if v.Mirror != "" {
		mirror, err := filepath.Abs(v.Mirror)
		if err == nil {
			_, err = os.ReadDir(mirror)
		}
		if err != nil {
			return nil, &pipelines.Error{Err: fmt.Errorf("reading the provider mirror: %w", err),
				Hint: "terraform providers mirror DIR fills one"}
		}
		s.mirror = mirror
		return s, nil
	}
	if len(s.allow) == 0 {
		named, err := v.namedProviders()
		if err != nil {
			return nil, err
		}
		s.allow = append(append(s.allow, hashicorp...), named...)
	}
	s.fetched = v.Cache
	if s.fetched == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, &pipelines.Error{Err: fmt.Errorf("looking for a place to keep providers: %w", err),
				Hint: "name a provider mirror, or set HOME or XDG_CACHE_HOME"}
		}
		s.fetched = filepath.Join(user, "penstock", "terraform-providers")
	}
	var err error
	if s.fetched, err = filepath.Abs(s.fetched); err == nil {
		err = os.MkdirAll(s.kept(), 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("making a place to keep providers: %w", err)
	}
	return s, nil
}

// kept is laid out as a filesystem mirror.
func (s *store) kept() string { return filepath.Join(s.fetched, "kept") }

// readOnly takes providers from disk, and from nowhere else.
func (s *store) readOnly() installation {
	if s.mirror != "" {
		return installation{mirrors: []string{s.mirror}, allow: s.allow, extra: s.registry}
	}
	return installation{mirrors: []string{s.kept()}, allow: s.allow, extra: s.registry}
}

// fill fetches what a unit needs. It returns why nothing came, empty when the
// unit can be readied now. It is called by many units at once and serves one at a
// time; across processes, a lock on a file does the same.
func (s *store) fill(ctx context.Context, c call) (string, error) {
	s.filling.Lock()
	defer s.filling.Unlock()
	if s.unreachable != "" {
		return s.unreachable, nil
	}
	lock, err := os.OpenFile(filepath.Join(s.fetched, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return "", fmt.Errorf("locking the kept providers: %w", err)
	}
	defer lock.Close()
	if err := flock(ctx, lock); err != nil {
		return "", fmt.Errorf("locking the kept providers: %w", err)
	}
	// Another unit may have fetched the same while this one waited.
	if out, err := c.run(ctx, s.readOnly(), initArgv(c.program.path)); err != nil || out.Exit == 0 {
		return "", err
	}
	staging, err := os.MkdirTemp(s.fetched, "new-")
	if err != nil {
		return "", fmt.Errorf("making a place for new providers: %w", err)
	}
	defer os.RemoveAll(staging)
	from := s.readOnly()
	from.direct = true
	apart := c
	apart.data = filepath.Join(staging, "data")
	out, err := apart.run(ctx, from, initArgv(c.program.path))
	if err != nil {
		return "", err
	}
	s.fills++
	kept, err := s.keep(filepath.Join(apart.data, "providers"))
	if err != nil || out.Exit == 0 && kept > 0 {
		return "", err
	}
	why := firstError(out.Stderr)
	if kept == 0 && (strings.Contains(why, "Could not connect") || strings.Contains(why, "failed to request discovery document")) {
		s.unreachable = why
	}
	return why, nil
}

// keep moves every provider that was fetched, as a whole, to where units find it.
// What init only linked was kept before.
func (s *store) keep(fetched string) (kept int, err error) {
	for _, name := range globIn(fetched, "*/*/*/*/*") {
		dir, to := filepath.Join(fetched, name), filepath.Join(s.kept(), name)
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return kept, fmt.Errorf("keeping provider %q: %w", name, err)
		}
		if err := os.Rename(dir, to); err != nil && !errors.Is(err, os.ErrExist) && !errors.Is(err, syscall.ENOTEMPTY) {
			return kept, fmt.Errorf("keeping provider %q: %w", name, err)
		}
		kept++
	}
	return kept, nil
}

// globIn lists what matches below a directory, slash-separated and relative to it.
func globIn(dir, pattern string) []string {
	found, _ := fs.Glob(os.DirFS(dir), pattern) // the only error is a bad pattern
	return found
}

// hint is the way to get what init did not find.
func (s *store) hint(o outcome) string {
	switch {
	case !o.provider:
		return "run terraform init -backend=false in the unit"
	case s.mirror != "":
		return "add the provider to the mirror: terraform providers mirror DIR"
	case strings.Contains(o.result.Reason, "was not found in any of the search locations"):
		return "a provider is used once required_providers names it on the base, or when it is allowed by name: --allow-provider HOST/NAMESPACE/TYPE"
	default:
		return "let the machine reach the registry, or name a filesystem mirror: --provider-mirror DIR"
	}
}

// providersIn lists the providers that a unit was readied with.
func providersIn(data string) (tools []pipelines.Tool) {
	for _, name := range globIn(filepath.Join(data, "providers"), "*/*/*/*") {
		tools = append(tools, pipelines.Tool{Name: path.Dir(name), Version: path.Base(name)})
	}
	return tools
}
