package resource

import (
	"fmt"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// shadowed leaves x.tf out where x.tofu stands beside it, as OpenTofu does.
func shadowed(names []string) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		return strings.Contains(name, ".tf") && slices.Contains(names, strings.Replace(name, ".tf", ".tofu", 1))
	})
}

// doubt notes that Terraform reads one file where OpenTofu reads another.
func (s *source) doubt(terraform, tofu string) {
	s.dialects = append(s.dialects, Opaque{Address: tofu, Reason: Reason{
		Message:  fmt.Sprintf("Terraform goes by %q, OpenTofu by %q: judge the plan instead", terraform, tofu),
		Position: pipelines.Position{Path: tofu}}})
}

// compare notes where a file of OpenTofu says anew what one of Terraform says.
func (s *source) compare(n nested) {
	keys := []string{n.kind + "." + strings.Join(n.labels, ".")}
	switch n.kind {
	case "locals":
		keys = nil
		for name := range n.body.attributes {
			keys = append(keys, "local."+name)
		}
	case "terraform", "moved", "removed", "import", "check":
		return
	}
	isTofu := func(file string) bool { return strings.HasSuffix(strings.TrimSuffix(file, ".json"), ".tofu") }
	for _, key := range keys {
		file := n.at.Path
		old, ok := s.origins[key]
		if s.origins[key] = file; !ok || isTofu(old) == isTofu(file) {
			continue
		}
		if isTofu(old) {
			old, file = file, old
		}
		s.doubt(old, file)
	}
}
