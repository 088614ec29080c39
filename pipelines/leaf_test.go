package pipelines

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The Dagger module loads fast because it draws in leaf packages alone, and
// these need the standard library alone: docs/adr/0001-own-module-for-ci.md.
func TestLeavesNeedTheStandardLibraryAlone(t *testing.T) {
	const root = "github.com/penstock-dev/penstock/"
	leaves := []string{root + "pipelines", root + "pipelines/tools"}
	for _, pattern := range []string{"*.go", "tools/*.go", "../ci/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(file, "dagger.gen.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
			if err != nil {
				t.Fatal(err)
			}
			for _, spec := range parsed.Imports {
				path, _ := strconv.Unquote(spec.Path.Value)
				first, _, _ := strings.Cut(path, "/")
				inCI := strings.HasPrefix(file, "../ci/")
				switch {
				case !strings.Contains(first, "."):
				case inCI && (slices.Contains(leaves, path) || strings.HasPrefix(path, root+"ci/internal/")):
				default:
					t.Errorf("%s imports %s", file, path)
				}
			}
		}
	}
}
