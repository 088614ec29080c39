package gate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	hcljson "github.com/hashicorp/hcl/v2/json"

	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
)

// FileLimit is the largest file that is judged, in bytes.
const FileLimit = 8 << 20

// file is a file of configuration in either syntax.
type file struct {
	name string
	src  []byte
	body hcl.Body
	// content is what of body has the shape of configuration.
	content *hcl.BodyContent
}

// native is the body of a file that is not JSON, else nil.
func (f *file) native() *hclsyntax.Body {
	body, _ := f.body.(*hclsyntax.Body)
	return body
}

// module is a directory of configuration.
type module struct {
	dir string
	// bare: names mean nothing that is known here, as in a template, whose
	// caller may pass it a variable called path.
	bare bool
	// top: variables are set from outside, by .tfvars or Terragrunt.
	top       bool
	files     []*file
	locals    map[string][]hcl.Expression
	variables map[string][]hcl.Expression // what stands in default
	// callers say what variables are.
	callers []caller
	calls   map[string][]*hcl.Block
	// each are the arguments for_each, by type and labels of their blocks.
	each map[string][]hcl.Expression
}

type caller struct {
	from *module
	// block is the call, or what an override file adds to it
	block *hcl.Block
}

// configuration says whether Terraform or OpenTofu reads a file of a directory.
func configuration(name string) bool {
	for _, suffix := range []string{".tf", ".tofu", ".tf.json", ".tofu.json"} {
		if strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, ".") {
			return true
		}
	}
	return false
}

// module reads a directory, once.
func (j *judge) module(dir string) *module {
	if m, ok := j.modules[dir]; ok {
		return m
	}
	m := &module{dir: dir, locals: map[string][]hcl.Expression{}, variables: map[string][]hcl.Expression{}, calls: map[string][]*hcl.Block{}, each: map[string][]hcl.Expression{}}
	j.modules[dir] = m
	j.queue = append(j.queue, m)
	entries, err := j.list(dir)
	if err != nil {
		j.unreadable(hcl.Range{Filename: dir}, err.Error())
		return m
	}
	for _, entry := range entries {
		if entry.Type()&fs.ModeSymlink != 0 { // terraform.tfvars may be one, and errors show what they quote
			if _, err := j.resolve(path.Join(dir, entry.Name())); errors.Is(err, errEscapes) {
				j.unreadable(hcl.Range{Filename: path.Join(dir, entry.Name())}, err.Error())
				continue
			}
		}
		if configuration(entry.Name()) && !entry.IsDir() {
			if f := j.parse(path.Join(dir, entry.Name())); f != nil {
				m.files = append(m.files, f)
				m.index(f)
			}
		}
	}
	return m
}

// index notes what other expressions may refer to.
func (m *module) index(f *file) {
	for _, b := range f.content.Blocks {
		content, _, _ := b.Body.PartialContent(attributes("for_each"))
		if a := content.Attributes["for_each"]; a != nil {
			m.each[blockKey(b.Type, b.Labels)] = append(m.each[blockKey(b.Type, b.Labels)], a.Expr)
		}
		switch b.Type {
		case "locals":
			attrs, _ := b.Body.JustAttributes()
			for name, a := range attrs {
				m.locals[name] = append(m.locals[name], a.Expr)
			}
		case "variable":
			content, _, _ := b.Body.PartialContent(attributes("default"))
			list := m.variables[b.Labels[0]]
			if a := content.Attributes["default"]; a != nil {
				list = append(list, a.Expr)
			}
			m.variables[b.Labels[0]] = list
		case "module":
			m.calls[b.Labels[0]] = append(m.calls[b.Labels[0]], b)
		}
	}
}

func blockKey(kind string, labels []string) string { return kind + " " + strings.Join(labels, " ") }

// parse reads one file, or says that it cannot be read.
func (j *judge) parse(name string) *file {
	src, err := j.read(name)
	if err != nil {
		j.unreadable(hcl.Range{Filename: name}, err.Error())
		return nil
	}
	f := &file{name: name, src: src}
	var parsed *hcl.File
	var diags hcl.Diagnostics
	if strings.HasSuffix(name, ".json") {
		parsed, diags = hcljson.Parse(src, name)
	} else {
		parsed, diags = hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	}
	if !diags.HasErrors() {
		f.body = parsed.Body
		f.content, _, diags = f.body.PartialContent(topLevel)
	}
	if diags.HasErrors() {
		j.broken(name, diags)
		return nil
	}
	return f
}

func (j *judge) broken(name string, diags hcl.Diagnostics) {
	at := hcl.Range{Filename: name}
	for _, d := range diags {
		if d.Severity == hcl.DiagError {
			if d.Subject != nil {
				at = *d.Subject
			}
			j.unreadable(at, d.Summary+": "+d.Detail)
			return
		}
	}
}

// read reads a file within bounds that parsing survives.
func (j *judge) read(name string) ([]byte, error) {
	real, err := j.resolve(name)
	if err != nil {
		return nil, err
	}
	info, err := fs.Stat(j.fsys, real)
	switch {
	case err != nil:
		return nil, plain(err)
	case !info.Mode().IsRegular(): // a named pipe would be waited for
		return nil, errors.New("it is not a regular file")
	case info.Size() > FileLimit:
		return nil, fmt.Errorf("it is over %d MiB", FileLimit>>20)
	}
	opened, err := j.fsys.Open(real)
	if err != nil {
		return nil, plain(err)
	}
	defer opened.Close()
	src, err := io.ReadAll(io.LimitReader(opened, FileLimit+1))
	switch {
	case err != nil:
		return nil, plain(err)
	case len(src) > FileLimit:
		return nil, fmt.Errorf("it is over %d MiB", FileLimit>>20)
	case !utf8.Valid(src):
		return nil, errNoText
	}
	if what := nesting.TooDeep(src); what != "" {
		return nil, errors.New(what)
	}
	return src, nil
}

func (j *judge) list(dir string) ([]fs.DirEntry, error) {
	real, err := j.resolve(dir)
	if err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(j.fsys, real)
	return entries, plain(err)
}

var errNoText = errors.New("it is not UTF-8 text")

var errEscapes = errors.New("it is, or lies behind, a symbolic link that leads out of the repository")

// resolve follows symbolic links part by part, as the system does: ".." after a
// link is the parent of what it leads to. Links that leave the repository are
// refused. A file system that does not tell links has none.
func (j *judge) resolve(name string) (string, error) {
	done, rest := ".", path.Clean(name)
	for hops := 0; rest != ""; {
		var first string
		first, rest, _ = strings.Cut(rest, "/")
		next := path.Join(done, first)
		if !fs.ValidPath(next) {
			return "", errEscapes
		}
		if first == "" || first == "." || first == ".." {
			done = next
			continue
		}
		info, err := fs.Lstat(j.fsys, next)
		if err != nil {
			return "", plain(err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			done = next
			continue
		}
		target, err := fs.ReadLink(j.fsys, next)
		if hops++; err != nil || hops > 40 {
			return "", errors.New("it is a symbolic link that leads nowhere")
		}
		if path.IsAbs(target) {
			return "", errEscapes
		}
		rest = target + "/" + rest
	}
	return done, nil
}

// plain leaves the path of the machine out of an error.
func plain(err error) error {
	var known *fs.PathError
	if errors.As(err, &known) {
		return known.Err
	}
	return err
}
