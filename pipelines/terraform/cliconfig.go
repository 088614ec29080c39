package terraform

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// installation says where providers may come from: nothing that is not named
// here does. It becomes the CLI configuration, in place of any .terraformrc.
type installation struct {
	// mirrors are filesystem mirrors.
	mirrors []string
	// allow are patterns of provider addresses. Empty: whatever the mirrors hold.
	allow []string
	// direct: what is allowed may be fetched from its registry.
	direct bool
	// overrides are directories of packages by address, which terraform runs without
	// looking into their version or hash.
	overrides map[string]string
	// extra is more text for the CLI configuration: where tests have their registry.
	extra string
}

// cliConfig writes the CLI configuration. With an explicit provider_installation
// terraform looks into none of its implied places, such as terraform.d/plugins,
// where a pull request could put a program that validate and plan would run.
func (i installation) cliConfig() (string, error) {
	var b strings.Builder
	b.WriteString("disable_checkpoint = true\nprovider_installation {\n")
	include := ""
	if len(i.allow) > 0 {
		include = "    include = [\"" + strings.Join(i.allow, `", "`) + "\"]\n"
	}
	for _, pattern := range i.allow {
		if !providerPattern.MatchString(pattern) {
			return "", &pipelines.Error{Err: fmt.Errorf("allowing provider %q: it is not HOST/NAMESPACE/TYPE", pattern),
				Hint: `write it as registry.terraform.io/datadog/datadog; "*" stands for any namespace or type`}
		}
	}
	if len(i.overrides) > 0 {
		b.WriteString("  dev_overrides {\n")
		for _, address := range slices.Sorted(maps.Keys(i.overrides)) {
			if unquotable(i.overrides[address]) {
				return "", fmt.Errorf("naming the verified provider %q: the path has a character that the CLI configuration cannot hold", i.overrides[address])
			}
			fmt.Fprintf(&b, "    \"%s\" = \"%s\"\n", address, i.overrides[address])
		}
		b.WriteString("  }\n")
	}
	for _, mirror := range i.mirrors {
		if unquotable(mirror) {
			return "", fmt.Errorf("naming the provider mirror %q: the path has a character that the CLI configuration cannot hold", mirror)
		}
		fmt.Fprintf(&b, "  filesystem_mirror {\n    path = \"%s\"\n%s  }\n", mirror, include)
	}
	if i.direct && len(i.allow) > 0 {
		fmt.Fprintf(&b, "  direct {\n%s  }\n", include)
	}
	b.WriteString("}\n" + i.extra)
	return b.String(), nil
}

func unquotable(path string) bool { return strings.ContainsAny(path, "\"\\\n\r${}") }

var providerPattern = regexp.MustCompile(`^[a-z0-9.-]+(:[0-9]+)?/([A-Za-z0-9_-]+|\*)/([A-Za-z0-9_-]+|\*)$`)

// fullAddress turns the source of a provider, as required_providers has it, into
// patterns that both registries' programs understand; none if it is no address.
func fullAddress(source string) []string {
	switch parts := strings.Split(source, "/"); len(parts) {
	case 2:
		return checked("registry.terraform.io/"+source, "registry.opentofu.org/"+source)
	case 3:
		return checked(source)
	}
	return nil
}

func checked(addresses ...string) []string {
	for _, address := range addresses {
		if !providerPattern.MatchString(address) || strings.Contains(address, "*") {
			return nil
		}
	}
	return addresses
}
