package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const coverageGo = "coverage.out"

func goCommand(_ context.Context, _, out string) ([]string, error) {
	return []string{"go", "test", "-json", "-coverprofile=" + filepath.Join(out, coverageGo), "./..."}, nil
}

// goEvent is one line of go test -json.
type goEvent struct {
	Action, Package, ImportPath, Test, Output string
	Elapsed                                   float64
}

// readGo reads the events of go test -json. A package that does not build is a test
// that failed, by the name of the package.
func readGo(r run) (tests, error) {
	cases, err := goCases(r.Stdout)
	t := tests{cases: cases}
	if info, err := os.Stat(filepath.Join(r.out, coverageGo)); err == nil && info.Size() > 0 {
		t.coverage = coverageGo
	}
	return t, err
}

func goCases(stdout []byte) ([]testCase, error) {
	var cases []testCase
	output, failed := map[string]*strings.Builder{}, map[string]bool{}
	decoder := json.NewDecoder(bytes.NewReader(stdout))
	for {
		var e goEvent
		if err := decoder.Decode(&e); errors.Is(err, io.EOF) {
			return cases, nil
		} else if err != nil {
			return nil, fmt.Errorf("an event of go test: %w", err)
		}
		key := e.Package + e.ImportPath + "\x00" + e.Test
		if output[key] == nil {
			output[key] = &strings.Builder{}
		}
		one := testCase{suite: e.Package, test: e.Test, seconds: e.Elapsed, message: output[key].String()}
		switch e.Action {
		case "output", "build-output":
			output[key].WriteString(e.Output)
		case "pass", "skip":
			if one.state = passedTest; e.Action == "skip" {
				one.state = skippedTest
			}
			if e.Test != "" { // a package without tests is skipped, too
				cases = append(cases, one)
			}
		case "build-fail":
			one.suite, one.test, one.state = e.ImportPath, "build", failedTest
			cases, failed[e.ImportPath] = append(cases, one), true
		case "fail":
			one.state = failedTest
			if e.Test != "" {
				cases, failed[e.Package] = append(cases, one), true
			} else if !failed[e.Package] { // outside of its tests: in TestMain, or by a panic
				one.test = "package"
				cases = append(cases, one)
			}
		}
	}
}
