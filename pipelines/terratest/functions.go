package terratest

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/penstock-dev/penstock/pipelines"
)

// testFunction is a function that go test would run, as it is written.
type testFunction struct {
	name string
	// parallel: it calls t.Parallel, as a statement of its own.
	parallel bool
	// place is relative to the directory.
	place pipelines.Position
}

// testFunctions reads the test files of a directory. What cannot be parsed is read as
// far as it can: the compiler says what is wrong with it.
func testFunctions(dir string) ([]testFunction, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []testFunction
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), "_test.go") || !e.Type().IsRegular() || strings.HasPrefix(e.Name(), "_") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		set := token.NewFileSet()
		file, _ := parser.ParseFile(set, filepath.Join(dir, e.Name()), nil, parser.ParseComments)
		if file == nil {
			continue
		}
		shown := map[string]bool{} // an example without an output is compiled, not run
		for _, e := range doc.Examples(file) {
			shown["Example"+e.Name] = e.Output != "" || e.EmptyOutput
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv == nil && tests(f.Name.Name) && (!strings.HasPrefix(f.Name.Name, "Example") || shown[f.Name.Name]) {
				found = append(found, testFunction{name: f.Name.Name, parallel: callsParallel(f),
					place: pipelines.Position{Path: e.Name(), Line: set.Position(f.Pos()).Line}})
			}
		}
	}
	return found, nil
}

// tests says whether a name is one that go test runs: "Test" and then no lower case.
func tests(name string) bool {
	for _, prefix := range []string{"Test", "Fuzz", "Example"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			first, _ := utf8.DecodeRuneInString(rest)
			return rest == "" || !unicode.IsLower(first)
		}
	}
	return false
}

func callsParallel(f *ast.FuncDecl) bool {
	if f.Body == nil || f.Type.Params == nil || len(f.Type.Params.List) != 1 || len(f.Type.Params.List[0].Names) != 1 {
		return false
	}
	t := f.Type.Params.List[0].Names[0].Name
	for _, statement := range f.Body.List {
		expr, _ := statement.(*ast.ExprStmt)
		if expr == nil {
			continue
		}
		call, _ := expr.X.(*ast.CallExpr)
		if call == nil {
			continue
		}
		selector, _ := call.Fun.(*ast.SelectorExpr)
		if selector == nil || selector.Sel.Name != "Parallel" {
			continue
		}
		if receiver, _ := selector.X.(*ast.Ident); receiver != nil && receiver.Name == t {
			return true
		}
	}
	return false
}
