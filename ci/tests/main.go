// Tests of the Penstock module, on a real engine.
package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/penstock-dev/penstock/ci/tests/internal/dagger"
)

// Tests are the tests of the module.
type Tests struct {
	// +private
	Program *dagger.File
}

// New takes the program, so that it is not built for each test.
func New(
	// +optional
	program *dagger.File,
) *Tests {
	return &Tests{Program: program}
}

// All runs every test and says what each came to.
func (t *Tests) All(ctx context.Context) (string, error) {
	var b strings.Builder
	failed := 0
	for _, test := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"EncryptedVolumePasses", t.encryptedVolumePasses},
		{"FindingIsDataUntilAsserted", t.findingIsDataUntilAsserted},
		{"UnknownDoesNotPass", t.unknownDoesNotPass},
		{"BrokenFileIsNotRun", t.brokenFileIsNotRun},
		{"EmptyCatalogIsNotRun", t.emptyCatalogIsNotRun},
		{"SkippedStageIsSaid", t.skippedStageIsSaid},
		{"FixFormats", t.fixFormats},
	} {
		if err := test.run(ctx); err != nil {
			failed++
			fmt.Fprintf(&b, "--- FAIL: Module/%s: %v\n", test.name, err)
			continue
		}
		fmt.Fprintf(&b, "--- PASS: Module/%s\n", test.name)
	}
	if failed > 0 {
		return "", fmt.Errorf("%d tests failed:\n%s", failed, b.String())
	}
	return b.String(), nil
}

// catalog is one module with this text.
func (t *Tests) catalog(text string) *dagger.Penstock {
	source := dag.Directory().WithNewFile("modules/m/main.tf", text)
	return dag.Penstock(dagger.PenstockOpts{Source: source, Program: t.Program})
}

func only(stages ...string) dagger.PenstockCheckOpts {
	return dagger.PenstockCheckOpts{Stages: stages}
}

const encrypted = "resource \"aws_ebs_volume\" \"v\" {\n  encrypted = true\n}\n"

func (t *Tests) encryptedVolumePasses(ctx context.Context) error {
	text, err := t.catalog(encrypted).Check(only("compliance", "terraform-fmt")).Assert(ctx)
	return expect(text, err, "pass: 1 of 1 units judged")
}

func (t *Tests) findingIsDataUntilAsserted(ctx context.Context) error {
	run := t.catalog(strings.Replace(encrypted, "true", "false", 1)).Compliance()
	summary, err := run.Summary(ctx)
	if err := expect(summary, err, "the volume is not encrypted [compliance/ebs-volume-encrypted]"); err != nil {
		return err
	}
	for _, name := range []string{"report.json", "report.txt", "report.xml", "report.sarif", "report.md"} {
		if size, err := run.Report().File(name).Size(ctx); err != nil || size == 0 {
			return fmt.Errorf("%s: %d bytes, %w", name, size, err)
		}
	}
	return fails(run.Assert(ctx))
}

func (t *Tests) unknownDoesNotPass(ctx context.Context) error {
	return fails(t.catalog("variable \"e\" {}\n\n" + strings.Replace(encrypted, "true", "var.e", 1)).Compliance().Assert(ctx))
}

func (t *Tests) brokenFileIsNotRun(ctx context.Context) error {
	summary, err := t.catalog("resource {").Compliance().Summary(ctx)
	return expect(summary, err, "not run: 1 of 1 units")
}

func (t *Tests) emptyCatalogIsNotRun(ctx context.Context) error {
	source := dag.Directory().WithNewFile("README.md", "nothing")
	return fails(dag.Penstock(dagger.PenstockOpts{Source: source, Program: t.Program}).Check(only("compliance")).Assert(ctx))
}

func (t *Tests) skippedStageIsSaid(ctx context.Context) error {
	opts := dagger.PenstockCheckOpts{Stages: []string{"compliance", "tflint"}, Skip: []string{"tflint"}}
	text, err := t.catalog(encrypted).Check(opts).Summary(ctx)
	return expect(text, err, "skipped tflint: left out by name")
}

func (t *Tests) fixFormats(ctx context.Context) error {
	changed := t.catalog("locals {\na    =   1\n}\n").Fix()
	text, err := changed.After().File("modules/m/main.tf").Contents(ctx)
	return expect(text, err, "  a = 1\n")
}

func expect(text string, err error, want string) error {
	if err != nil {
		return err
	}
	if !strings.Contains(text, want) {
		return fmt.Errorf("there is no %q in %s", want, text)
	}
	return nil
}

// fails is the error that there has to be.
func fails(text string, err error) error {
	if err == nil {
		return fmt.Errorf("it passed: %s", text)
	}
	return nil
}
