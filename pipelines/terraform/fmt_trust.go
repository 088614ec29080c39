package terraform

import (
	"debug/buildinfo"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

const hclModule = "github.com/hashicorp/hcl/v2"

// oldestAlike is the minor version since which the formatter of the HCL library,
// its lexer and its tokens have only been moved about: 2.20 brought "::", and from
// there to ours the three differ in comments and in names.
const oldestAlike = 20

// forksAlike are libraries in its place that were read and compared as well.
var forksAlike = map[string]string{"github.com/opentofu/hcl/v2": "v2.20.2-0.20251021132045-587d123c2828"}

// built is what a program says of how it was built, which costs no process.
type built struct {
	// alike: its HCL library formats as ours does, so that a file without a construct
	// of Terraform's own needs no question.
	alike bool
	// identity stands for this very program; empty where that is not known.
	identity string
}

// built reads the program as a file. A script that starts another program says nothing.
func (p program) built() built {
	info, err := buildinfo.ReadFile(p.path)
	if err != nil {
		return built{}
	}
	stat, err := os.Stat(p.path)
	if err != nil || !strings.HasPrefix(info.Path, "github.com/hashicorp/terraform") && !strings.HasPrefix(info.Path, "github.com/opentofu/opentofu") {
		return built{}
	}
	b := built{identity: fmt.Sprintf("%s\x00%d\x00%d", info, stat.Size(), stat.ModTime().UnixNano())}
	for _, dep := range info.Deps {
		if dep.Path == hclModule {
			b.alike = alike(dep, hclVersion())
		}
	}
	return b
}

// alike: a library is one of those that format as ours, which is the newest of them.
func alike(theirs *debug.Module, ours string) bool {
	if by := theirs.Replace; by != nil {
		return by.Version != "" && forksAlike[by.Path] == by.Version && minor(ours) >= oldestAlike
	}
	m := minor(theirs.Version)
	return m >= oldestAlike && m <= minor(ours)
}

// minor of a release v2.MINOR.PATCH; -1 of anything else.
func minor(version string) int {
	rest, ok := strings.CutPrefix(version, "v2.")
	middle, patch, dotted := strings.Cut(rest, ".")
	m, err := strconv.Atoi(middle)
	if _, bad := strconv.Atoi(patch); !ok || !dotted || err != nil || bad != nil {
		return -1
	}
	return m
}
