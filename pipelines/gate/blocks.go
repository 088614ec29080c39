package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// topLevel is what configuration is made of, in either syntax. Whatever is not
// in it came after this was written and is refused.
var topLevel = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{
	{Type: "terraform"}, {Type: "language"}, {Type: "locals"}, {Type: "moved"}, {Type: "removed"}, {Type: "import"},
	{Type: "provider", LabelNames: []string{"name"}}, {Type: "variable", LabelNames: []string{"name"}},
	{Type: "output", LabelNames: []string{"name"}}, {Type: "module", LabelNames: []string{"name"}}, {Type: "check", LabelNames: []string{"name"}},
	{Type: "resource", LabelNames: []string{"type", "name"}}, {Type: "data", LabelNames: []string{"type", "name"}},
	{Type: "ephemeral", LabelNames: []string{"type", "name"}}, {Type: "action", LabelNames: []string{"type", "name"}},
}}

// settings is what a terraform block is made of.
var settings = &hcl.BodySchema{
	Attributes: []hcl.AttributeSchema{{Name: "required_version"}, {Name: "experiments"}, {Name: "language"}},
	Blocks: []hcl.BlockHeaderSchema{{Type: "required_providers"}, {Type: "cloud"}, {Type: "encryption"},
		{Type: "backend", LabelNames: []string{"type"}}, {Type: "provider_meta", LabelNames: []string{"provider"}}},
}

func attributes(names ...string) *hcl.BodySchema {
	s := &hcl.BodySchema{}
	for _, name := range names {
		s.Attributes = append(s.Attributes, hcl.AttributeSchema{Name: name})
	}
	return s
}

// judge judges one module, all of whose callers are known.
func (j *judge) judge(m *module) {
	for _, f := range m.files {
		j.unknownBlocks(f.body, topLevel)
		for _, b := range f.content.Blocks {
			j.block(m, b)
		}
		j.expressions(m, f)
	}
	for _, view := range views(m.files) {
		j.providers(view)
	}
}

func (j *judge) block(m *module, b *hcl.Block) {
	switch b.Type {
	case "terraform":
		j.terraform(b)
	case "check":
		content, _, diags := b.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "data", LabelNames: []string{"type", "name"}}}})
		if diags.HasErrors() {
			j.broken(b.DefRange.Filename, diags)
		}
		for _, data := range content.Blocks {
			j.block(m, data)
		}
	case "module":
		j.call(m, b)
	case "data", "ephemeral", "action":
		j.dataSource(b)
		j.typed(m, b)
	case "resource":
		j.typed(m, b)
	case "removed":
		j.provisioners(b)
	}
}

// terraform judges the settings of a module.
func (j *judge) terraform(b *hcl.Block) {
	j.unknownBlocks(b.Body, settings)
	content, _, diags := b.Body.PartialContent(settings)
	if diags.HasErrors() {
		j.broken(b.DefRange.Filename, diags)
	}
	for _, inner := range content.Blocks {
		switch inner.Type {
		case "backend":
			j.backend(inner.Labels[0], inner.DefRange)
			j.members("backend."+inner.Labels[0], inner.Body, "backend")
		case "cloud":
			j.backend("cloud", inner.DefRange)
			j.members("backend.cloud", inner.Body, "backend")
		case "encryption":
			j.members("encryption", inner.Body, "encryption")
		}
	}
}

func (j *judge) backend(kind string, at hcl.Range) {
	if !matches(j.allow.backends, kind) {
		j.find(at, "backend", toAllow("backends", kind), "the backend %s is not allowed: it may send credentials and state to any host", quoted(kind))
	}
}

// unknownBlocks refuses what nobody has judged: a block may run a provider, as
// state_store does.
func (j *judge) unknownBlocks(body hcl.Body, schema *hcl.BodySchema) {
	known := func(name string) bool {
		return slices.ContainsFunc(schema.Blocks, func(b hcl.BlockHeaderSchema) bool { return b.Type == name }) ||
			slices.ContainsFunc(schema.Attributes, func(a hcl.AttributeSchema) bool { return a.Name == name })
	}
	report := func(name string, at hcl.Range) {
		if !known(name) {
			j.unreadable(at, "the gate does not know "+quoted(name))
		}
	}
	if native, ok := body.(*hclsyntax.Body); ok {
		for _, b := range native.Blocks {
			report(b.Type, b.DefRange())
		}
		for name, a := range native.Attributes {
			report(name, a.SrcRange)
		}
		return
	}
	attrs, diags := body.JustAttributes()
	if diags.HasErrors() {
		j.broken("", diags)
	}
	for name, a := range attrs {
		report(name, a.NameRange)
	}
}

// startsOrReaches are the types of data sources that start programs, or reach
// whatever host they are told. The others ask the API of their provider.
var startsOrReaches = func() permissions {
	p, _ := compile(Allow{DataSources: []string{
		"external", "external_*", "http", "http_*", "dns_*", "tls_certificate", "aws_lambda_invocation", "*_cloud_function_invoke",
		"shell_*", "bash_*", "exec_*", "command_*", "script_*", "*_command", "*_script", "*_exec", "ssh_*", "git_*", "curl*", "terracurl_*",
		"restapi_*", "rest_*", "graphql_*", "helm_template", "kustomization_*", "kustomize_*", "ansible_*", "docker_*", "jq_*", "python_*",
		"template_dir", "template_file", "carvel_*", "ko_*", "oci_image_*", "deno_*", "lua_*", "starlark_*", "local_command",
	}})
	return p
}()

func (j *judge) dataSource(b *hcl.Block) {
	kind := b.Labels[0]
	if matches(startsOrReaches.dataSources, kind) && !matches(j.allow.dataSources, kind) {
		j.find(b.DefRange, "data-source", toAllow("data_sources", kind),
			"%s %s is not allowed: it starts a program or reaches any host that it is told", b.Type, quoted(kind))
	}
	if kind == "terraform_remote_state" && b.Type == "data" {
		j.remoteState(b)
	}
}

// remoteState judges the backend that a data source reads.
func (j *judge) remoteState(b *hcl.Block) {
	content, _, _ := b.Body.PartialContent(attributes("backend", "config"))
	backend := content.Attributes["backend"]
	if backend == nil {
		return // terraform refuses it
	}
	kind, ok := text(backend.Expr)
	if !ok {
		j.find(backend.Range, "backend", "write the backend out", "the backend of a terraform_remote_state is not written out")
		return
	}
	j.backend(kind, backend.Range)
	if config := content.Attributes["config"]; config != nil {
		j.reads = true
		j.setting("backend."+kind, config.Expr, config.Range, "backend")
		j.reads = false
	}
}

// paths are the arguments that name a file which a provider reads or writes.
var paths = map[string][]string{
	"local_file": {"filename", "source"}, "local_sensitive_file": {"filename", "source"},
	"archive_file": {"source_file", "source_dir", "output_path"}, "sops_file": {"source_file"}, "template_dir": {"source_dir", "destination_dir"},
	"aws_s3_object": {"source"}, "aws_s3_bucket_object": {"source"}, "aws_lambda_function": {"filename"}, "aws_lambda_layer_version": {"filename"},
	"aws_key_pair": {}, "google_storage_bucket_object": {"source"}, "azurerm_storage_blob": {"source"}, "helm_release": {"chart"}, "helm_template": {"chart"},
}

// programs are the arguments of resources and data sources that name a program.
var programs = map[string][]string{"helm_release": {"postrender"}, "helm_template": {"postrender"}}

// typed judges what resources and data sources have in common.
func (j *judge) typed(m *module, b *hcl.Block) {
	j.provisioners(b)
	kind := b.Labels[0]
	schema := attributes(paths[kind]...)
	content, _, _ := b.Body.PartialContent(schema)
	for name, a := range content.Attributes {
		if name == "chart" {
			continue // the name of a chart, more often than a path
		}
		if matches(j.allow.setting, kind+"."+name) {
			continue
		}
		j.place(m, stackOf(b), a.Expr, nil, a.Range, "the argument "+name)
	}
	for _, name := range programs[kind] {
		if at, ok := member(b.Body, name); ok && !matches(j.allow.setting, kind+"."+name) {
			j.find(at, "setting", toAllow("settings", kind+"."+name), "%s of %s is not allowed: it runs a program", name, quoted(kind))
		}
	}
}

// member finds an argument or block by its name, or a dynamic block of that name.
func member(body hcl.Body, name string) (hcl.Range, bool) {
	if native, ok := body.(*hclsyntax.Body); ok {
		if a := native.Attributes[name]; a != nil {
			return a.SrcRange, true
		}
		for _, b := range native.Blocks {
			if b.Type == name || b.Type == "dynamic" && slices.Contains(b.Labels, name) {
				return b.DefRange(), true
			}
		}
		return hcl.Range{}, false
	}
	content, _, _ := body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: name}, {Type: "dynamic", LabelNames: []string{"name"}}}})
	for _, b := range content.Blocks {
		if b.Type == name || slices.Contains(b.Labels, name) {
			return b.DefRange, true
		}
	}
	return hcl.Range{}, false
}

func (j *judge) provisioners(b *hcl.Block) {
	content, _, diags := b.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "provisioner", LabelNames: []string{"type"}}}})
	if diags.HasErrors() {
		j.broken(b.DefRange.Filename, diags)
	}
	for _, p := range content.Blocks {
		if kind := p.Labels[0]; !matches(j.allow.provisioners, kind) {
			j.find(p.DefRange, "provisioner", toAllow("provisioners", kind), "the provisioner %s is not allowed: it runs commands", quoted(kind))
		}
	}
}

// text is what an expression says, where it is written out.
func text(e hcl.Expression) (string, bool) {
	v, diags := e.Value(nil)
	if diags.HasErrors() || v.IsNull() || !v.IsKnown() || !v.Type().IsPrimitiveType() || v.Type().FriendlyName() != "string" {
		return "", false
	}
	return v.AsString(), true
}

// jsonStrings walks the strings of a JSON document, keys too, and where they begin.
func jsonStrings(src []byte, visit func(s string, offset int)) error {
	decoder := json.NewDecoder(bytes.NewReader(src))
	for {
		before := int(decoder.InputOffset())
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if s, ok := token.(string); ok {
			rest := bytes.TrimLeft(src[before:], " \t\r\n:,")
			visit(s, len(src)-len(rest))
		}
	}
}
