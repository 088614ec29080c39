package terraform

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/shelf"
)

// store is where providers come from. Terraform's own plugin cache is not safe
// under parallel runs, so ours is only ever read by them: as a filesystem mirror.
type store struct {
	// mirror is the user's; nothing is fetched where there is one.
	mirror string
	// fetched holds what came from registries.
	fetched *shelf.Shelf
	// registry goes into the CLI configuration.
	registry string
	// named finds the providers in use on the base: once, and only when one is
	// missing, because it reads the whole base. Nil where the allowed ones are given.
	named func() ([]string, error)

	mu    sync.Mutex
	allow []string
	// unreachable is why the registry did not answer; it is not asked again.
	unreachable string
}

// Hashicorp is allowed unless something else is said.
var Hashicorp = []string{"registry.terraform.io/hashicorp/*", "registry.opentofu.org/hashicorp/*"}

func (v Validate) openStore() (*store, error) {
	s := &store{allow: v.Allow, registry: v.registry}
	if _, err := s.readOnly().cliConfig(); err != nil {
		return nil, err
	}
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
		s.allow, s.named = Hashicorp, v.namedProviders
	}
	dir := v.Cache
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, &pipelines.Error{Err: fmt.Errorf("looking for a place to keep providers: %w", err),
				Hint: "name a provider mirror, or set HOME or XDG_CACHE_HOME"}
		}
		dir = filepath.Join(user, "penstock", "terraform-providers")
	}
	var err error
	if s.fetched, err = shelf.Open(dir, "providers/*/*/*/*/*"); err == nil {
		err = os.MkdirAll(s.mirrored(), 0o755) // terraform wants a mirror to exist
	}
	return s, err
}

func (s *store) mirrored() string { return filepath.Join(s.fetched.Kept(), "providers") }

// readOnly takes providers from disk, and from nowhere else.
func (s *store) readOnly() installation {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := installation{allow: s.allow, extra: s.registry}
	switch {
	case s.mirror != "":
		from.mirrors = []string{s.mirror}
	case s.fetched != nil:
		from.mirrors = []string{s.mirrored()}
	}
	return from
}

// widen allows what the base names too, and says whether that is news to a unit
// that was readied with what was allowed before.
func (s *store) widen(before installation) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.named != nil {
		more, err := s.named()
		if err != nil {
			return false, fmt.Errorf("looking for the providers in use: %w", err)
		}
		s.allow, s.named = slices.Concat(s.allow, more), nil
	}
	return len(s.allow) > len(before.allow), nil
}

// fill fetches what a unit needs. It returns why nothing came, empty when the
// unit can be readied now.
func (s *store) fill(ctx context.Context, c call) (why string, err error) {
	s.mu.Lock()
	why = s.unreachable
	s.mu.Unlock()
	if why != "" {
		return why, nil
	}
	there := func() (bool, error) { // another unit may have fetched the same
		out, err := c.run(ctx, s.readOnly(), initArgv(c.program.path))
		return out.Exit == 0, err
	}
	kept, err := s.fetched.Fill(ctx, there, func(into string) error {
		from, apart := s.readOnly(), c
		from.direct, apart.data = true, into
		out, err := apart.run(ctx, from, initArgv(c.program.path))
		if out.Exit != 0 {
			why = firstError(out.Stderr)
		}
		return err
	})
	if kept == 0 && (strings.Contains(why, "Could not connect") || strings.Contains(why, "failed to request discovery document")) {
		s.mu.Lock()
		s.unreachable = why
		s.mu.Unlock()
	}
	return why, err
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
	found, _ := fs.Glob(os.DirFS(data), "providers/*/*/*/*") // the only error is a bad pattern
	for _, name := range found {
		address := strings.TrimPrefix(path.Dir(name), "providers/")
		tools = append(tools, pipelines.Tool{Name: address, Version: path.Base(name)})
	}
	return tools
}
