package release

import (
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
)

func attributes(names ...string) (list []hcl.AttributeSchema) {
	for _, name := range names {
		list = append(list, hcl.AttributeSchema{Name: name})
	}
	return list
}

// block takes one block of a file. Variables, outputs and providers that are configured
// count for the module itself alone, the rest for local modules too.
func (r *reading) block(m *part, b *hcl.Block, over bool) error {
	var err error
	switch b.Type {
	case "terraform":
		err = r.settings(m, b, over)
	case "provider":
		err = r.provider(m, b)
	case "variable":
		if m.prefix == "" {
			err = r.variable(b, over)
		}
	case "output":
		if m.prefix == "" {
			err = r.output(b, over)
		}
	case "module":
		err = r.call(m, b, over)
	case "resource":
		err = r.resource(m, b, over)
	case "data", "ephemeral":
		err = r.uses(m, b)
	case "moved":
		err = r.moved(m, b)
	case "removed":
		err = r.removed(m, b)
	}
	return err
}

// repeats says how a resource or a call repeats.
func repeats(b *hcl.Block) (string, hcl.Attributes, error) {
	content, _, diags := b.Body.PartialContent(&hcl.BodySchema{Attributes: attributes("count", "for_each", "provider")})
	if diags.HasErrors() {
		return "", nil, complaint(b.DefRange.Filename, diags)
	}
	for _, how := range []string{"count", "for_each"} {
		if content.Attributes[how] != nil {
			return how, content.Attributes, nil
		}
	}
	return "", content.Attributes, nil
}

func (r *reading) resource(m *part, b *hcl.Block, over bool) error {
	how, given, err := repeats(b)
	if err != nil {
		return err
	}
	address := m.prefix + b.Labels[0] + "." + b.Labels[1]
	before, there := r.is.Resources[address]
	switch {
	case over && !there:
		return unreadable(place(b.DefRange), "an override of %s, which is not there", address)
	case !over && there:
		return unreadable(place(b.DefRange), "%s is there twice", address)
	case over && how == "":
		how = before
	}
	r.is.Resources[address] = how
	r.use(m, b, given)
	return nil
}

// uses notes of which provider a data source or an ephemeral resource is.
func (r *reading) uses(m *part, b *hcl.Block) error {
	_, given, err := repeats(b)
	if err == nil {
		r.use(m, b, given)
	}
	return err
}

func (r *reading) use(m *part, b *hcl.Block, given hcl.Attributes) {
	name, _, _ := strings.Cut(b.Labels[0], "_")
	if a := given["provider"]; a != nil {
		if t, diags := hcl.AbsTraversalForExpr(a.Expr); !diags.HasErrors() {
			name = t.RootName()
		}
	}
	m.types[name] = true
}

// call reads a module block.
func (r *reading) call(m *part, b *hcl.Block, over bool) error {
	how, _, err := repeats(b)
	if err != nil {
		return err
	}
	content, _, diags := b.Body.PartialContent(&hcl.BodySchema{Attributes: attributes("source", "version")})
	if diags.HasErrors() {
		return complaint(b.DefRange.Filename, diags)
	}
	c := call{name: b.Labels[0], Call: Call{Repeats: how}, at: place(b.DefRange)}
	i := slices.IndexFunc(m.calls, func(other call) bool { return other.name == c.name })
	switch {
	case over && i < 0:
		return unreadable(c.at, "an override of module %q, which is not there", c.name)
	case !over && i >= 0:
		return unreadable(c.at, "module %q is there twice", c.name)
	case over:
		c = m.calls[i]
		if how != "" {
			c.Repeats = how
		}
	}
	for name, to := range map[string]*string{"source": &c.Source, "version": &c.Version} {
		if a := content.Attributes[name]; a != nil {
			if *to, err = text(a); err != nil {
				return err
			}
		}
	}
	if c.Source == "" {
		return unreadable(c.at, "module %q has no source", c.name)
	}
	if over {
		m.calls[i] = c
		return nil
	}
	m.calls = append(m.calls, c)
	return nil
}

// address is where a moved or removed block points, without instance keys.
func address(m *part, a *hcl.Attribute) (string, error) {
	t, diags := hcl.AbsTraversalForExpr(a.Expr)
	if diags.HasErrors() {
		return "", complaint(a.Range.Filename, diags)
	}
	var b strings.Builder
	b.WriteString(m.prefix)
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			b.WriteString(step.Name)
		case hcl.TraverseAttr:
			b.WriteString("." + step.Name)
		case hcl.TraverseIndex:
		default:
			return "", unreadable(place(a.Range), "it is no address")
		}
	}
	return b.String(), nil
}

func (r *reading) moved(m *part, b *hcl.Block) error {
	content, diags := b.Body.Content(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "from", Required: true}, {Name: "to", Required: true}}})
	if diags.HasErrors() {
		return complaint(b.DefRange.Filename, diags)
	}
	from, err := address(m, content.Attributes["from"])
	if err != nil {
		return err
	}
	to, err := address(m, content.Attributes["to"])
	if err != nil {
		return err
	}
	r.is.Moved = append(r.is.Moved, Move{from, to})
	return nil
}

func (r *reading) removed(m *part, b *hcl.Block) error {
	content, _, diags := b.Body.PartialContent(&hcl.BodySchema{Attributes: []hcl.AttributeSchema{{Name: "from", Required: true}},
		Blocks: []hcl.BlockHeaderSchema{{Type: "lifecycle"}}})
	if diags.HasErrors() {
		return complaint(b.DefRange.Filename, diags)
	}
	gone := Removal{Destroy: true} // as Terraform has it; OpenTofu's default differs by its version
	for _, lifecycle := range content.Blocks {
		inner, _, diags := lifecycle.Body.PartialContent(&hcl.BodySchema{Attributes: attributes("destroy")})
		if diags.HasErrors() {
			return complaint(b.DefRange.Filename, diags)
		}
		if a := inner.Attributes["destroy"]; a != nil {
			var err error
			if gone.Destroy, err = truth(a); err != nil {
				return err
			}
		}
	}
	var err error
	if gone.From, err = address(m, content.Attributes["from"]); err != nil {
		return err
	}
	if strings.HasPrefix(strings.TrimPrefix(gone.From, m.prefix), "data.") {
		return unreadable(place(b.DefRange), "%s is not managed", gone.From)
	}
	r.is.Removed = append(r.is.Removed, gone)
	return nil
}

// provider notes a configuration that callers cannot give.
func (r *reading) provider(m *part, b *hcl.Block) error {
	content, _, diags := b.Body.PartialContent(&hcl.BodySchema{Attributes: attributes("alias", "version")})
	if diags.HasErrors() {
		return complaint(b.DefRange.Filename, diags)
	}
	name := b.Labels[0]
	m.types[name] = true
	for what, a := range content.Attributes {
		value, err := text(a)
		if err != nil {
			return err
		}
		if what == "version" { // a constraint of the old kind
			m.needs[b.Labels[0]] = Provider{Version: joined(m.needs[b.Labels[0]].Version, value), Aliases: m.needs[b.Labels[0]].Aliases}
			continue
		}
		name += "." + value
	}
	name = m.prefix + name
	if !slices.Contains(r.is.Configured, name) {
		r.is.Configured = append(r.is.Configured, name)
	}
	return nil
}

// settings reads a terraform block.
func (r *reading) settings(m *part, b *hcl.Block, over bool) error {
	content, _, diags := b.Body.PartialContent(&hcl.BodySchema{Attributes: attributes("required_version"), Blocks: []hcl.BlockHeaderSchema{{Type: "required_providers"}}})
	if diags.HasErrors() {
		return complaint(b.DefRange.Filename, diags)
	}
	if a := content.Attributes["required_version"]; a != nil {
		value, err := text(a)
		if err != nil {
			return err
		}
		if over {
			m.versions = nil
		}
		if _, err := constraint(value); err != nil {
			return unreadable(place(a.Range), "required_version: %w", err)
		}
		m.versions = append(m.versions, value)
	}
	for _, block := range content.Blocks {
		given, diags := block.Body.JustAttributes()
		if diags.HasErrors() {
			return complaint(b.DefRange.Filename, diags)
		}
		for name, a := range given {
			if err := r.requirement(m, name, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// requirement reads one entry of required_providers.
func (r *reading) requirement(m *part, name string, a *hcl.Attribute) error {
	need, source := Provider{}, ""
	pairs, diags := hcl.ExprMap(a.Expr)
	if diags.HasErrors() { // the old form: only a constraint
		version, err := text(a)
		if err != nil {
			return err
		}
		need.Version = version
	}
	for _, pair := range pairs {
		key := hcl.ExprAsKeyword(pair.Key)
		if value, diags := pair.Key.Value(nil); key == "" && !diags.HasErrors() && value.Type().FriendlyName() == "string" {
			key = value.AsString()
		}
		var err error
		switch as := (&hcl.Attribute{Name: key, Expr: pair.Value, Range: pair.Value.Range()}); key {
		case "source":
			source, err = text(as)
		case "version":
			need.Version, err = text(as)
		case "configuration_aliases":
			need.Aliases, err = aliases(as)
		default:
			err = unreadable(place(pair.Key.Range()), "required_providers has no %q", key)
		}
		if err != nil {
			return err
		}
	}
	if _, err := constraint(need.Version); err != nil {
		return unreadable(place(a.Range), "provider %q: %w", name, err)
	}
	if source == "" {
		source = "hashicorp/" + name
	}
	m.needs[name], m.sources[name] = need, strings.TrimPrefix(strings.TrimPrefix(strings.ToLower(source), "registry.terraform.io/"), "registry.opentofu.org/")
	return nil
}

func aliases(a *hcl.Attribute) (list []string, err error) {
	items, diags := hcl.ExprList(a.Expr)
	if diags.HasErrors() {
		return nil, complaint(a.Range.Filename, diags)
	}
	for _, item := range items {
		t, diags := hcl.AbsTraversalForExpr(item)
		if diags.HasErrors() || len(t) != 2 {
			return nil, unreadable(place(item.Range()), "configuration_aliases are names such as aws.replica")
		}
		alias, ok := t[1].(hcl.TraverseAttr)
		if !ok {
			return nil, unreadable(place(item.Range()), "configuration_aliases are names such as aws.replica")
		}
		list = append(list, alias.Name)
	}
	slices.Sort(list)
	return list, nil
}

// join adds what a directory needs to what the module needs.
func (r *reading) join(m *part) {
	for name := range m.types {
		if _, ok := m.needs[name]; !ok && name != "terraform" { // implied by a resource
			m.needs[name] = Provider{}
		}
	}
	for name, need := range m.needs {
		source := m.sources[name]
		if source == "" {
			source = "hashicorp/" + name
		}
		have := r.is.Providers[source]
		have.Version = joined(have.Version, need.Version)
		if m.prefix == "" {
			have.Aliases = append(have.Aliases, need.Aliases...)
			slices.Sort(have.Aliases)
		}
		r.is.Providers[source] = have
	}
	for _, version := range m.versions {
		r.is.Terraform = joined(r.is.Terraform, version)
	}
}

// joined are two constraints that both have to hold, sorted, so that the order of files
// and modules changes nothing.
func joined(a, b string) string {
	var all []string
	for _, list := range []string{a, b} {
		for one := range strings.SplitSeq(list, ",") {
			if one = strings.Join(strings.Fields(one), " "); one != "" {
				all = append(all, one)
			}
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}
