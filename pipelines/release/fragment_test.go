package release

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

func TestFragmentsAreStrict(t *testing.T) {
	for name, test := range map[string]struct{ text, at, says string }{
		"an unknown key":         {"modules: [a]\nnote: n\nseverty: timely\n", "3:1", "severty"},
		"no module":              {"note: n\n", "1:1", "names no module"},
		"a module twice":         {"modules: [a, ./a]\nnote: n\n", "1:1", "twice"},
		"another severity":       {"modules: [a]\nseverity: urgent\n", "2:1", "urgent"},
		"no reason":              {"modules: [a]\nseverity: timely\ndeadline: 2026-12-31\n", "2:1", "without a reason"},
		"no deadline":            {"modules: [a]\nseverity: timely\nreason: r\n", "2:1", "without a deadline"},
		"no such day":            {"modules: [a]\nseverity: timely\nreason: r\ndeadline: 2026-02-30\n", "4:1", "2026-02-30"},
		"a reason for routine":   {"modules: [a]\nreason: r\n", "2:1", "timely"},
		"a deadline for routine": {"modules: [a]\nnote: n\ndeadline: 2026-12-31\n", "3:1", "timely"},
		"it says nothing":        {"modules: [a]\n", "1:1", "says nothing"},
		"no YAML":                {"modules: [a\n", "1:", ""},
		"a key twice":            {"modules: [a]\nnote: n\nnote: m\n", "3:1", "note"},
		"a number for a text":    {"modules: a\nnote: n\n", "1:10", ""},
		"two documents":          {"modules: [a]\nnote: n\n---\nmodules: [b]\n", "0:0", "one document"},
		"nothing":                {"", "0:0", "one document"},
		"an alias":               {"modules: &m [a]\nnote: n\n", "0:0", "aliases"},
		"no UTF-8":               {"modules: [a]\nnote: \xff\n", "0:0", "UTF-8"},
		"too long a note":        {"modules: [a]\nnote: " + strings.Repeat("x", 1001) + "\n", "2:1", "1000"},
		"too large a file":       {"#" + strings.Repeat("x", fragmentLimit), "0:0", "bytes"},
	} {
		_, err := readFragment(".penstock/changes/a.yaml", []byte(test.text))
		var known *pipelines.Error
		if !errors.Is(err, ErrFragment) || !errors.As(err, &known) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		if at := fmt.Sprintf("%d:%d", known.Line, known.Column); !strings.HasPrefix(at, test.at) || !strings.Contains(err.Error(), test.says) || known.Path == "" {
			t.Errorf("%s: at %s, want %s: %v", name, at, test.at, err)
		}
	}
}

// A fragment counts for the release after which it was added, and not for the next.
func TestFragmentCountsOnce(t *testing.T) {
	p := newPlace(t)
	p.released()
	p.put(".penstock/changes/cve.yaml", "modules: [modules/vpc]\nseverity: timely\nreason: The <b>world</b> could read it.\nadvisory: CVE-2026-1\ndeadline: 2026-12-31\n")
	p.put(".penstock/changes/note.yaml", "modules: [modules/vpc]\nnote: Better *now*.\n")
	p.change("b")
	m := p.released().Modules[0]
	if m.Severity.Level != "timely" || m.Severity.Deadline != "2026-12-31" || m.Severity.Because[0].Advisory != "CVE-2026-1" {
		t.Errorf("got %+v", m.Severity)
	}
	if !strings.Contains(m.Changelog, "**Timely, by 2026-12-31:**") || strings.Contains(m.Changelog, "<b>") || !strings.Contains(m.Changelog, "Better &#42;now&#42;.") {
		t.Errorf("got %s", m.Changelog)
	}
	p.change("c")
	if m := p.released().Modules[0]; m.Severity.Level != "routine" || strings.Contains(m.Changelog, "Better") {
		t.Errorf("it counted twice: %+v", m)
	}
	p.put(".penstock/changes/stable.yaml", "modules: [modules/vpc]\nstable: true\n")
	p.change("d")
	if m := p.released().Modules[0]; m.Version != "1.0.0" {
		t.Errorf("got %+v", m)
	}
	p.put(".penstock/changes/bad.yaml", "modules: [modules/vpc]\n\nnote: 1\n")
	p.put(".penstock/changes/worse.yml", "")
	p.change("e")
	if _, err := p.tested().Run(t.Context()); !errors.Is(err, ErrFragment) {
		t.Errorf("got %v", err)
	}
}
