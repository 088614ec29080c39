package gate

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// view is what one program reads of a directory: OpenTofu reads x.tofu in the
// place of x.tf, and Terraform reads no .tofu.
type view []*file

func views(files []*file) []view {
	var terraform, tofu view
	names := map[string]bool{}
	for _, f := range files {
		names[f.name] = true
	}
	for _, f := range files {
		if strings.HasSuffix(f.name, ".tofu") || strings.HasSuffix(f.name, ".tofu.json") {
			tofu = append(tofu, f)
			continue
		}
		terraform = append(terraform, f)
		stem := strings.TrimSuffix(strings.TrimSuffix(f.name, ".json"), ".tf")
		if !names[stem+".tofu"+strings.TrimPrefix(f.name, stem+".tf")] {
			tofu = append(tofu, f)
		}
	}
	if slices.Equal(terraform, tofu) {
		return []view{terraform}
	}
	return []view{terraform, tofu}
}

// providers judges every provider that a module needs: those that it names, and
// those that its blocks imply.
func (j *judge) providers(files view) {
	sources := map[string][]string{} // by local name
	for _, f := range files {
		for _, b := range f.content.Blocks {
			if b.Type == "terraform" {
				j.required(b, sources)
			}
		}
	}
	for _, f := range files {
		u := &uses{judge: j, sources: sources}
		for _, b := range f.content.Blocks {
			u.block(b)
		}
		j.functions(f, func(name string, at hcl.Range) {
			if parts := strings.Split(name, "::"); len(parts) == 3 && parts[0] == "provider" {
				u.name(parts[1], at)
			}
		})
	}
}

// required reads required_providers.
func (j *judge) required(b *hcl.Block, sources map[string][]string) {
	content, _, _ := b.Body.PartialContent(settings)
	for _, inner := range content.Blocks {
		if inner.Type != "required_providers" {
			continue
		}
		attrs, diags := inner.Body.JustAttributes()
		if diags.HasErrors() {
			j.broken(inner.DefRange.Filename, diags)
		}
		for name, a := range attrs {
			source, at, ok := sourceOf(a)
			if !ok {
				j.find(at, "provider", "write its source out", "the source of the provider %s is not written out", quoted(name))
			}
			sources[name] = append(sources[name], source)
			j.provider(address(source, name), at)
		}
	}
}

// sourceOf is the source in an entry of required_providers; "" is none.
func sourceOf(a *hcl.Attribute) (source string, at hcl.Range, ok bool) {
	pairs, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() { // only a version, as it was written before 0.13
		_, ok := text(a.Expr)
		return "", a.Range, ok
	}
	at, ok = a.Range, true
	for _, pair := range pairs {
		if key, isKey := keyOf(pair.Key); !isKey {
			return "", a.Range, false
		} else if key == "source" {
			source, ok = text(pair.Value)
			at = pair.Value.Range()
		}
	}
	return source, at, ok
}

func keyOf(e hcl.Expression) (string, bool) {
	if keyword := hcl.ExprAsKeyword(e); keyword != "" {
		return keyword, true
	}
	return text(e)
}

// address is HOST/NAMESPACE/TYPE of a provider; the host is empty where the
// program's own registry is meant.
func address(source, name string) string {
	source = strings.ToLower(source)
	switch {
	case source == "" && name == "terraform":
		return "terraform.io/builtin/terraform"
	case source == "":
		return "/hashicorp/" + strings.ToLower(name)
	case strings.Count(source, "/") == 0:
		return "/hashicorp/" + source
	case strings.Count(source, "/") == 1:
		return "/" + source
	}
	return source
}

// provider judges an address. One without a host is allowed where it is allowed
// from the registry of Terraform or of OpenTofu: which of them is asked, the
// program decides.
func (j *judge) provider(address string, at hcl.Range) {
	full := []string{address}
	if strings.HasPrefix(address, "/") {
		full = []string{"registry.terraform.io" + address, "registry.opentofu.org" + address}
	}
	for _, a := range full {
		if a == "terraform.io/builtin/terraform" || j.allowsProvider(a) {
			return
		}
	}
	j.find(at, "provider", toAllow("providers", full[0]), "the provider %s is not allowed: a provider is a program that plan runs", quoted(full[0]))
}

func (j *judge) allowsProvider(address string) bool {
	parts := strings.Split(address, "/")
	for _, pattern := range j.allow.providers {
		want := strings.Split(pattern, "/")
		if len(parts) == 3 && want[0] == parts[0] && (want[1] == "*" || want[1] == parts[1]) && (want[2] == "*" || want[2] == parts[2]) {
			return true
		}
	}
	return false
}

// uses are the providers that blocks need.
type uses struct {
	*judge
	sources map[string][]string
}

// name judges a use of a provider by its local name.
func (u *uses) name(name string, at hcl.Range) {
	if _, named := u.sources[name]; !named {
		u.provider(address("", name), at)
	}
}

// types are the types that a local name may stand for.
func (u *uses) types(name string) (found []string) {
	sources := u.sources[name]
	if len(sources) == 0 {
		sources = []string{""}
	}
	for _, source := range sources {
		a := address(source, name)
		found = append(found, a[strings.LastIndexByte(a, '/')+1:])
	}
	return found
}

func (u *uses) block(b *hcl.Block) {
	switch b.Type {
	case "terraform":
		content, _, _ := b.Body.PartialContent(settings)
		for _, inner := range content.Blocks {
			if inner.Type == "provider_meta" {
				u.name(inner.Labels[0], inner.DefRange)
			}
		}
	case "provider":
		u.name(b.Labels[0], b.DefRange)
		for _, kind := range u.types(b.Labels[0]) {
			u.members(kind, b.Body, "setting")
		}
	case "resource", "data", "ephemeral", "action":
		u.typed(b)
	case "check":
		content, _, _ := b.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "data", LabelNames: []string{"type", "name"}}}})
		for _, data := range content.Blocks {
			u.typed(data)
		}
	case "module":
		u.passed(b)
	case "import", "removed":
		content, _, _ := b.Body.PartialContent(attributes("provider", "to", "from"))
		for name, a := range content.Attributes {
			u.reference(a.Expr, a.Range, name != "provider")
		}
	}
}

// typed judges the provider of a resource or data source.
func (u *uses) typed(b *hcl.Block) {
	content, _, _ := b.Body.PartialContent(attributes("provider"))
	if a := content.Attributes["provider"]; a != nil {
		u.reference(a.Expr, a.Range, false)
		return
	}
	name, _, _ := strings.Cut(b.Labels[0], "_")
	u.name(name, b.DefRange)
}

// passed judges the providers that a module call hands down.
func (u *uses) passed(b *hcl.Block) {
	content, _, _ := b.Body.PartialContent(attributes("providers"))
	a := content.Attributes["providers"]
	if a == nil {
		return
	}
	pairs, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() {
		u.unreadable(a.Range, "the providers of a module are not written out")
	}
	for _, pair := range pairs {
		u.reference(pair.Value, pair.Value.Range(), false)
	}
}

// reference judges the provider that an expression such as aws.east names, or,
// for the address of a resource, the one that its type implies.
func (u *uses) reference(e hcl.Expression, at hcl.Range, resource bool) {
	name := rootOf(e)
	switch {
	case name == "":
		u.find(at, "provider", "write the name of the provider out", "which provider is meant cannot be told")
	case !resource:
		u.name(name, at)
	case name != "module" && name != "data":
		kind, _, _ := strings.Cut(name, "_")
		u.name(kind, at)
	}
}

func rootOf(e hcl.Expression) string {
	if t, diags := hcl.AbsTraversalForExpr(e); !diags.HasErrors() {
		return t.RootName()
	}
	if s, ok := text(e); ok { // "aws.east", as it was written before 0.12, and in JSON
		if t, diags := hclsyntax.ParseTraversalAbs([]byte(s), "", hcl.InitialPos); !diags.HasErrors() {
			return t.RootName()
		}
		return ""
	}
	if index, ok := e.(*hclsyntax.IndexExpr); ok { // OpenTofu: aws.by_region[each.key]
		return rootOf(index.Collection)
	}
	return ""
}
