package shim

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-config-inspect/tfconfig"
)

// reached are files that a configuration names by the place of a module.
var reached = regexp.MustCompile(`\$\{path\.(?:module|root)\}/(\.\./[^"$%{}*]+)`)

// closure finds the directories and files that a configuration needs: its own, those of
// the local modules that it calls, and what these name outside of them. They are relative
// to root, the deepest directory that holds them all.
func closure(dir string) (root string, names []string, err error) {
	found := []string{dir}
	for i := 0; i < len(found); i++ {
		if !tfconfig.IsModuleDir(found[i]) {
			continue
		}
		module, _ := tfconfig.LoadModule(found[i]) // what it cannot read, terraform will say
		for _, call := range module.ModuleCalls {
			if strings.HasPrefix(call.Source, "./") || strings.HasPrefix(call.Source, "../") {
				found = appendNew(found, filepath.Join(found[i], filepath.FromSlash(call.Source)))
			}
		}
		files, err := filepath.Glob(filepath.Join(found[i], "*.tf"))
		if err != nil {
			return "", nil, err
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return "", nil, err
			}
			for _, match := range reached.FindAllSubmatch(text, -1) {
				found = appendNew(found, filepath.Join(found[i], filepath.FromSlash(string(match[1]))))
			}
		}
	}
	found = slices.DeleteFunc(found, func(name string) bool {
		_, err := os.Stat(name)
		return err != nil
	})
	root = dir
	for _, name := range found {
		for !within(root, name) {
			root = filepath.Dir(root)
		}
	}
	for _, name := range found {
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return "", nil, err
		}
		names = append(names, rel)
	}
	return root, names, nil
}

func appendNew(to []string, name string) []string {
	if slices.Contains(to, name) {
		return to
	}
	return append(to, name)
}

func within(root, name string) bool {
	rel, err := filepath.Rel(root, name)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}
