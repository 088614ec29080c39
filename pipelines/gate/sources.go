package gate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/penstock-dev/penstock/pipelines"
)

// follow reads the local modules that a module calls, and tells them who does.
func (j *judge) follow(m *module) {
	if j.records != nil {
		return // the records say what is called
	}
	for name, blocks := range m.calls {
		told := map[*module]bool{}
		for _, b := range blocks {
			source, _, ok := sourceOfCall(b)
			if !ok || !local(source) {
				continue
			}
			dir := path.Join(m.dir, source)
			if !fs.ValidPath(dir) {
				continue // refused by call
			}
			called := j.module(dir)
			if told[called] {
				continue
			}
			told[called] = true
			for _, with := range m.calls[name] { // an override file adds arguments
				called.callers = append(called.callers, caller{m, with})
			}
		}
	}
}

func local(source string) bool {
	return strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../")
}

func sourceOfCall(b *hcl.Block) (string, hcl.Range, bool) {
	content, _, _ := b.Body.PartialContent(attributes("source"))
	a := content.Attributes["source"]
	if a == nil {
		return "", b.DefRange, false
	}
	source, ok := text(a.Expr)
	return source, a.Range, ok
}

// call judges the source of a module.
func (j *judge) call(m *module, b *hcl.Block) {
	content, _, _ := b.Body.PartialContent(attributes("source", "version"))
	if content.Attributes["source"] == nil {
		return // in an override file; elsewhere terraform refuses it
	}
	source, at, ok := sourceOfCall(b)
	if !ok {
		j.find(at, "module-source", "write the source out", "the source of the module %s is not written out", quoted(b.Labels[0]))
		return
	}
	if local(source) {
		if !fs.ValidPath(path.Join(m.dir, source)) {
			j.find(at, "module-source", "keep modules in the repository", "the module source %s leads out of the repository", quoted(source))
		}
		return
	}
	j.source(source, content.Attributes["version"] != nil, at)
}

// registry is the source of a module in a registry: [HOST/]NAMESPACE/NAME/SYSTEM.
var registry = regexp.MustCompile(`^([a-zA-Z0-9.-]+\.[a-zA-Z0-9.-]+(:[0-9]+)?/)?[0-9A-Za-z_-]+/[0-9A-Za-z_-]+/[0-9a-z]+(//.*)?$`)

// source judges where a module is fetched from.
func (j *judge) source(source string, versioned bool, at hcl.Range) {
	if !matches(j.allow.modules, source) {
		j.find(at, "module-source", toAllow("modules", source), "the module source %s is not allowed", quoted(source))
		return
	}
	address, query, _ := strings.Cut(source, "?")
	parameters, err := url.ParseQuery(query)
	switch {
	case err != nil || strings.Contains(source, `\`) || slices.Contains(strings.Split(address, "/"), "..") || strings.Contains(source, "%"):
		j.find(at, "module-source", "write it without ..", "the module source %s does not say plainly where it leads", quoted(source))
	case strings.HasPrefix(parameters.Get("ref"), "-") || len(parameters["ref"]) > 1 || parameters.Has("sshkey"):
		j.find(at, "module-source", "name a tag or a commit in ref, and nothing else", "the module source %s has a parameter that git takes for an option", quoted(source))
	case registry.MatchString(source) && !strings.HasPrefix(source, "github.com/") && !strings.HasPrefix(source, "bitbucket.org/"):
		if !versioned {
			j.find(at, "module-source", "add a version", "the module %s has no version: whatever is newest would be run", quoted(source))
		}
	case git(address) && parameters.Get("ref") == "":
		j.find(at, "module-source", "add ?ref= with a tag or a commit", "the module source %s has no ref: whatever its branch holds would be run", quoted(source))
	}
}

func git(address string) bool {
	return strings.HasPrefix(address, "git::") || strings.HasPrefix(address, "git@") || strings.HasPrefix(address, "github.com/") ||
		strings.HasPrefix(address, "bitbucket.org/") || strings.HasPrefix(address, "hg::")
}

// record is a module in modules.json.
type record struct{ Key, Source, Dir string }

// JudgeModules judges the modules that terraform get has put into
// dir/.terraform/modules, so that a remote module cannot bring what the unit
// itself may not. Call it between terraform get and terraform init. A module
// that is called and was not fetched is a finding. What Judge has looked at, it
// leaves out.
func JudgeModules(fsys fs.FS, dir string, allow Allow) ([]pipelines.Finding, error) {
	known, err := newJudge(fsys, dir, allow)
	if err != nil {
		return nil, err
	}
	known.module(known.root).top = true
	known.terragrunt()
	known.settle()
	j, err := newJudge(fsys, dir, allow)
	if err != nil {
		return nil, err
	}
	j.quiet = map[string]bool{}
	for dir := range known.modules {
		j.quiet[dir] = true
	}
	if j.records, err = j.manifest(); err != nil {
		return nil, err
	}
	if len(j.records) == 1 { // there is no manifest where nothing is called, or where nothing was fetched
		for _, m := range known.modules {
			j.unfetched(m)
		}
		return j.sorted(), nil
	}
	for key := range j.records {
		j.module(j.records[key].Dir)
	}
	for dir, m := range known.modules {
		if again := j.modules[dir]; again != nil {
			again.top = m.top
		}
	}
	j.values, j.opaque = known.values, known.opaque
	j.connect()
	j.settle()
	return j.sorted(), nil
}

const modules = ".terraform/modules"

// manifest reads modules.json. Without one there is only the unit itself.
func (j *judge) manifest() (map[string]record, error) {
	records := map[string]record{"": {Dir: j.root}}
	name := path.Join(j.root, modules, "modules.json")
	src, err := j.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return records, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	var written struct{ Modules []record }
	if err := json.Unmarshal(src, &written); err != nil {
		return nil, fmt.Errorf("reading %q: %w", name, err)
	}
	for _, r := range written.Modules {
		dir := path.Join(j.root, r.Dir)
		switch _, twice := records[r.Key]; {
		case r.Key == "": // the unit
		case path.IsAbs(r.Dir) || !fs.ValidPath(dir) || twice:
			j.unreadable(hcl.Range{Filename: name}, fmt.Sprintf("the module %s is said to be in %s", quoted(r.Key), quoted(r.Dir)))
		default:
			records[r.Key] = record{r.Key, r.Source, dir}
		}
	}
	return records, nil
}

// connect tells modules who calls them, and finds calls that were not fetched.
func (j *judge) connect() {
	for key, r := range j.records {
		m := j.modules[r.Dir]
		for name, blocks := range m.calls {
			child := name
			if key != "" {
				child = key + "." + name
			}
			called, ok := j.records[child]
			if !ok {
				j.notFetched(child, blocks[0])
				continue
			}
			for _, b := range blocks {
				j.modules[called.Dir].callers = append(j.modules[called.Dir].callers, caller{m, b})
			}
		}
	}
}

// unfetched finds the calls of remote modules.
func (j *judge) unfetched(m *module) {
	for name, blocks := range m.calls {
		if slices.ContainsFunc(blocks, func(b *hcl.Block) bool {
			source, _, ok := sourceOfCall(b)
			return ok && !local(source)
		}) {
			j.notFetched(name, blocks[0])
		}
	}
}

// notFetched says so even of a call in what Judge has judged.
func (j *judge) notFetched(key string, b *hcl.Block) {
	j.findings = append(j.findings, pipelines.Finding{Position: position(b.DefRange), Rule: "unreadable", Verdict: pipelines.Fail, Severity: pipelines.High,
		Message: fmt.Sprintf("what it does cannot be told: the module %s was not fetched", quoted(key)), Hint: "run terraform get first"})
}
