package release

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
)

// ErrUnreadable says that the interface of a module cannot be told. It is never a
// patch release.
var ErrUnreadable = errors.New("the interface cannot be read")

func unreadable(at pipelines.Position, format string, args ...any) error {
	return &pipelines.Error{Position: at, Err: fmt.Errorf("%w: %w", ErrUnreadable, fmt.Errorf(format, args...)),
		Hint: "mend it: what cannot be read is not released"}
}

// complaint is the first error of HCL, with its place.
func complaint(p string, diags hcl.Diagnostics) error {
	for _, d := range diags {
		if d.Severity != hcl.DiagError {
			continue
		}
		at := pipelines.Position{Path: p}
		if d.Subject != nil {
			at = place(*d.Subject)
		}
		return unreadable(at, "%s: %s", printable.Text(d.Summary, 200), printable.Text(d.Detail, 500))
	}
	return nil
}

func place(r hcl.Range) pipelines.Position {
	return pipelines.Position{Path: r.Filename, Line: r.Start.Line, Column: r.Start.Column}
}

const (
	// sizeLimit is the largest file that is read, in bytes.
	sizeLimit = 8 << 20
	// depthLimit is how many modules may call each other in a row.
	depthLimit = 50
	// addressLimit is how many addresses a module may have.
	addressLimit = 20_000
)

// reading is one module as it is read, with the local modules that it reaches.
type reading struct {
	snapshot *snapshot
	dialect  dialect
	is       *Interface
	dirs     []string // of the closure, in the order of reading
	src      map[string][]byte
	types    map[string]string // local name of a provider -> source, of the module that is read
}

// read reads the interface of the module in dir, and which directories it reaches. It
// is nil where the dialect has no file there.
func (s *snapshot) read(dir string, d dialect) (is *Interface, dirs []string, err error) {
	defer func() { // what strangers wrote goes through libraries that may panic
		if p := recover(); p != nil {
			is, dirs, err = nil, nil, unreadable(pipelines.Position{Path: dir}, "internal error: %s", printable.Text(fmt.Sprint(p), 300))
		}
	}()
	if len(s.files(dir, d)) == 0 {
		return nil, nil, nil
	}
	r := &reading{snapshot: s, dialect: d, is: empty(), src: map[string][]byte{}}
	if err := r.module(dir, "", nil); err != nil {
		return nil, nil, err
	}
	slices.Sort(r.is.Configured)
	slices.Sort(r.dirs)
	r.dirs = slices.Compact(r.dirs)
	return r.is, r.dirs, nil
}

var rootSchema = &hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "terraform"}, {Type: "provider", LabelNames: []string{"name"}},
	{Type: "variable", LabelNames: []string{"name"}}, {Type: "locals"}, {Type: "output", LabelNames: []string{"name"}},
	{Type: "module", LabelNames: []string{"name"}}, {Type: "resource", LabelNames: []string{"type", "name"}},
	{Type: "data", LabelNames: []string{"type", "name"}}, {Type: "ephemeral", LabelNames: []string{"type", "name"}},
	{Type: "action", LabelNames: []string{"type", "name"}}, {Type: "check", LabelNames: []string{"name"}},
	{Type: "moved"}, {Type: "import"}, {Type: "removed"}}}

// part is what one directory declares, before it is joined to the interface.
type part struct {
	dir, prefix string
	calls       []call
	needs       map[string]Provider // by local name
	sources     map[string]string   // local name -> source
	types       map[string]bool     // local names that resources use
	versions    []string
}

// call is a module block as it is read.
type call struct {
	name string
	Call
	at pipelines.Position
}

// module reads a directory under an address prefix ("" or "module.x."), and then what
// it calls.
func (r *reading) module(dir, prefix string, stack []string) error {
	files := r.snapshot.files(dir, r.dialect)
	r.dirs = append(r.dirs, dir)
	m := &part{dir: dir, prefix: prefix, needs: map[string]Provider{}, sources: map[string]string{}, types: map[string]bool{}}
	for _, p := range files {
		body, err := r.body(p)
		if err != nil {
			return err
		}
		content, diags := body.Content(rootSchema)
		if diags.HasErrors() {
			return complaint(p, diags)
		}
		for _, block := range content.Blocks {
			if err := r.block(m, block, override(p)); err != nil {
				return err
			}
		}
	}
	r.join(m)
	if len(r.is.Resources)+len(r.is.Calls) > addressLimit {
		return unreadable(pipelines.Position{Path: dir}, "it has more than %d addresses", addressLimit)
	}
	return r.descend(m, append(stack[:len(stack):len(stack)], dir))
}

// body parses a file.
func (r *reading) body(p string) (hcl.Body, error) {
	text, err := r.snapshot.text(p)
	if err != nil {
		return nil, err
	}
	if len(text) > sizeLimit {
		return nil, unreadable(pipelines.Position{Path: p}, "it is over %d bytes", sizeLimit)
	}
	if why := nesting.TooDeep(text); why != "" {
		return nil, unreadable(pipelines.Position{Path: p}, "%s", why)
	}
	if err := hugeAt(p, text); err != nil {
		return nil, err
	}
	r.src[p] = text
	var file *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(p, ".json") {
		file, diags = hcljson.Parse(text, p)
	} else {
		file, diags = hclsyntax.ParseConfig(text, p, hcl.InitialPos)
	}
	if diags.HasErrors() {
		return nil, complaint(p, diags)
	}
	return file.Body, nil
}

// descend reads the local modules that were called.
func (r *reading) descend(m *part, stack []string) error {
	for _, c := range m.calls {
		address := m.prefix + "module." + c.name
		if !local(c.Source) {
			r.is.Calls[address] = c.Call
			continue
		}
		r.is.Calls[address] = Call{Repeats: c.Repeats}
		dir, err := r.snapshot.resolve(path.Join(m.dir, c.Source))
		switch {
		case err != nil:
			return unreadable(c.at, "%w", err)
		case slices.Contains(stack, dir) || len(stack) > depthLimit:
			return unreadable(c.at, "module %q calls itself, by way of %q", c.name, dir)
		case len(r.snapshot.files(dir, r.dialect)) == 0:
			return unreadable(c.at, "module %q: there is no configuration in %q", c.name, dir)
		}
		if err := r.module(dir, address+".", stack); err != nil {
			return err
		}
	}
	return nil
}

// local says whether a source is a directory of the same repository.
func local(source string) bool {
	return source == "." || source == ".." || strings.HasPrefix(source, "./") || strings.HasPrefix(source, "../")
}
