package terraform

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
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
	allow   []string
	// registry goes into the CLI configuration.
	registry string
	mu       sync.Mutex
	// unreachable is why the registry did not answer; it is not asked again.
	unreachable string
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
	if s.mirror != "" {
		return installation{mirrors: []string{s.mirror}, allow: s.allow, extra: s.registry}
	}
	return installation{mirrors: []string{s.mirrored()}, allow: s.allow, extra: s.registry}
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
