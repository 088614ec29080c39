package image

import (
	"maps"
	"os"
	"slices"
	"strings"
)

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// everywhere is what any program may need to find its files and the network.
var everywhere = []string{"PATH", "HOME", "USER", "TMPDIR", "LANG", "LC_ALL", "TZ", "TERM", "SSL_CERT_FILE", "SSL_CERT_DIR", "SOURCE_DATE_EPOCH",
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "XDG_*"}

// secretive are parts of names whose values are not for the code of a pull request.
var secretive = []string{"TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "AUTH", "PRIVATE", "APIKEY", "API_KEY"}

// environment is what of the caller's variables a program gets: those that it is told
// of by name, or by what the name begins with ("GO*"), and no secret among them.
func environment(names ...string) []string {
	var kept []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if slices.ContainsFunc(secretive, func(part string) bool { return strings.Contains(strings.ToUpper(name), part) }) {
			continue
		}
		if slices.ContainsFunc(slices.Concat(everywhere, names), func(known string) bool {
			start, open := strings.CutSuffix(known, "*")
			return name == known || open && strings.HasPrefix(name, start)
		}) {
			kept = append(kept, pair)
		}
	}
	return kept
}

// builderEnvironment has what finds a daemon and the credentials of its own.
func builderEnvironment() []string {
	return environment("DOCKER_*", "BUILDX_*", "BUILDKIT_*", "CONTAINER_*", "CONTAINERS_*", "REGISTRY_AUTH_FILE")
}
