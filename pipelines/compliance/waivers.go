package compliance

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gobwas/glob"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/internal/nesting"
	"github.com/penstock-dev/penstock/pipelines/resource"
)

// soon is how long before its end a waiver is warned of.
const soon = 14 * 24 * time.Hour

// waiver is one from penstock.yaml, or a comment beside a resource.
type waiver struct {
	pipelines.Waiver
	rule string
	// unit and address are globs of a waiver from penstock.yaml.
	unit, address *glob.Pattern
	// block is the resource that a comment stands beside: "file:type.name".
	block string
	used  bool
}

func fromConfig(c *config.Config) []*waiver {
	var list []*waiver
	for _, w := range c.Compliance.Waivers {
		one := &waiver{rule: w.Rule, Waiver: pipelines.Waiver{Owner: w.Owner, Reason: w.Reason, Expires: w.Expires, Source: w.Position}}
		if w.Unit != "" {
			one.unit = glob.MustCompile(w.Unit, '/')
		}
		if w.Resource != "" {
			one.address = glob.MustCompile(escapeKeys(w.Resource))
		}
		list = append(list, one)
	}
	return list
}

// escapeKeys lets the brackets of instance keys stand for themselves.
func escapeKeys(pattern string) string {
	return strings.NewReplacer("[", `\[`, "]", `\]`).Replace(pattern)
}

func (w *waiver) excuses(unit string, d Decision) bool {
	switch {
	case w.rule != d.Rule.ID:
		return false
	case w.block != "":
		return w.block == blockOf(d.Resource)
	}
	return (w.unit == nil || w.unit.Match(unit)) && (w.address == nil || w.address.Match(d.Resource.Address))
}

func blockOf(r *resource.Resource) string { return r.Position.Path + ":" + r.Type + "." + r.Name }

// expired says whether the last day on which it holds is over, in UTC.
func (w *waiver) expired(now time.Time) bool { return now.UTC().Format(time.DateOnly) > w.Expires }

func (w *waiver) endsSoon(now time.Time) bool {
	return !w.expired(now) && now.Add(soon).UTC().Format(time.DateOnly) > w.Expires
}

var (
	comment = regexp.MustCompile(`^\s*(?:#|//)\s*penstock:waive\b(.*)$`)
	pair    = regexp.MustCompile(`^\s*([a-z]+)=(?:"([^"]*)"|(\S+))`)
)

// fromComments reads the waivers that stand beside resources of one file. Those
// that do not stand on the base too do not count; they are returned as notices.
func fromComments(head, base fs.FS, file string) ([]*waiver, []pipelines.Notice, error) {
	found, err := commentsOf(head, file)
	if err != nil || base == nil || len(found) == 0 {
		return found, nil, err
	}
	before, err := commentsOf(base, file)
	if err != nil {
		before = nil // it was broken there, so nothing in it was reviewed
	}
	var notices []pipelines.Notice
	found = slices.DeleteFunc(found, func(w *waiver) bool {
		known := slices.ContainsFunc(before, func(b *waiver) bool {
			return b.rule == w.rule && b.block == w.block && b.Owner == w.Owner && b.Reason == w.Reason && b.Expires == w.Expires
		})
		if !known {
			notices = append(notices, pipelines.Notice{Path: file, Line: w.Source.Line,
				Message: fmt.Sprintf("this change adds or edits a waiver of %s; it counts once it is on the base", w.rule)})
		}
		return !known
	})
	return found, notices, nil
}

func commentsOf(fsys fs.FS, file string) ([]*waiver, error) {
	src, err := fs.ReadFile(fsys, file)
	if err != nil || !strings.Contains(string(src), "penstock:waive") || strings.HasSuffix(file, ".json") {
		return nil, nil //nolint:nilerr // a file that is not there holds no waiver; one that cannot be read was refused before
	}
	if what := nesting.TooDeep(src); what != "" {
		return nil, errors.New(what)
	}
	parsed, diags := hclsyntax.ParseConfig(src, file, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, diags
	}
	blocks := parsed.Body.(*hclsyntax.Body).Blocks
	var list []*waiver
	lines := strings.Split(string(src), "\n")
	for i, line := range lines {
		m := comment.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		w, err := parseComment(m[1])
		at := pipelines.Position{Path: file, Line: i + 1, Column: 1}
		if err != nil {
			return nil, &pipelines.Error{Position: at, Err: err,
				Hint: `write # penstock:waive rule=ID owner=NAME reason="WHY" expires=YYYY-MM-DD`}
		}
		w.Source = at
		w.block = beside(file, lines, i+1, blocks)
		list = append(list, w)
	}
	return list, nil
}

// beside is the block that a comment on a line belongs to: the one around it,
// or the one that begins after it with only comments between.
func beside(file string, lines []string, line int, blocks hclsyntax.Blocks) string {
	for line < len(lines) && strings.HasPrefix(strings.TrimLeft(lines[line], " \t/"), "#") || line < len(lines) && strings.HasPrefix(strings.TrimSpace(lines[line]), "//") {
		inside := slices.ContainsFunc(blocks, func(b *hclsyntax.Block) bool {
			return b.TypeRange.Start.Line <= line && line <= b.CloseBraceRange.End.Line
		})
		if inside {
			break
		}
		line++
	}
	for _, b := range blocks {
		if (b.Type == "resource" || b.Type == "data") && len(b.Labels) == 2 && b.TypeRange.Start.Line-1 <= line && line <= b.CloseBraceRange.End.Line {
			return file + ":" + b.Labels[0] + "." + b.Labels[1]
		}
	}
	return file + ":" // beside nothing, so it matches nothing, which is said
}

func parseComment(text string) (*waiver, error) {
	w := &waiver{}
	fields := map[string]*string{"rule": &w.rule, "owner": &w.Owner, "reason": &w.Reason, "expires": &w.Expires}
	for strings.TrimSpace(text) != "" {
		m := pair.FindStringSubmatch(text)
		if m == nil {
			return nil, fmt.Errorf("reading a waiver: %q is not key=value", strings.TrimSpace(text))
		}
		to, ok := fields[m[1]]
		if !ok {
			return nil, fmt.Errorf("reading a waiver: there is no key %q, there are rule, owner, reason, expires", m[1])
		}
		*to = m[2] + m[3]
		text = text[len(m[0]):]
	}
	for _, key := range sorted(fields) {
		if strings.TrimSpace(*fields[key]) == "" {
			return nil, fmt.Errorf("reading a waiver: it has no %s", key)
		}
	}
	if _, err := time.Parse(time.DateOnly, w.Expires); err != nil {
		return nil, fmt.Errorf("reading a waiver: expires is %q, allowed is a date", w.Expires)
	}
	return w, nil
}

// filesOf are the files whose comments may waive: those of the unit and those
// that its resources stand in.
func filesOf(root fs.FS, unit string, d *resource.Document) []string {
	files := map[string]bool{}
	entries, _ := fs.ReadDir(root, unit) // read before, or the unit is not run
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".tf") || strings.HasSuffix(name, ".tofu") {
			files[path.Join(unit, name)] = true
		}
	}
	for _, r := range d.Resources {
		files[r.Position.Path] = true
	}
	return sorted(files)
}
