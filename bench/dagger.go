package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// dagger measures what a call of the module costs over the program alone. A call
// on a source that it has judged before is answered by the engine without running
// a stage, so it says nothing of a stage: that is measured with every unit edited
// before each run, on both sides.
func (b *bench) dagger() error {
	if os.Getenv("_EXPERIMENTAL_DAGGER_RUNNER_HOST") == "" {
		b.row("dagger call", 0, "", "not measured: no engine was named", "")
		return nil
	}
	root := filepath.Join(b.dir, "source")
	if err := os.CopyFS(root, os.DirFS("examples/infrastructure-modules")); err != nil {
		return err
	}
	if err := commit(root, "catalog"); err != nil {
		return err
	}
	const stages = "terraform-fmt,compliance"
	host := side{argv: []string{b.penstock, "check", "--all", "--stages", stages, root}, answer: judged}
	call := side{argv: []string{"dagger", "call", "--progress=plain", "--source=" + root, "--program=" + b.penstock,
		"check", "--stages=" + stages, "assert"}, answer: judged}
	var first measured
	if err := call.once(&first); err != nil {
		return err
	}
	b.row("dagger call, first of the run (once; the engine's caches as they were)", 13, "", first.String(), "")
	overhead := func(what string) error {
		h, c, err := pairs(host, call)
		if err != nil {
			return err
		}
		if h.answer != c.answer {
			return fmt.Errorf("%s: the sides do not agree: %q and %q", what, h.answer, c.answer)
		}
		b.row(what, 13, "program alone: "+h.String(), c.String(), fmt.Sprintf("%.1f s over", c.median()-h.median()))
		return nil
	}
	if err := overhead("dagger call, nothing changed: no stage runs"); err != nil {
		return err
	}
	round := 0
	edit := func() error {
		round++
		return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".tf" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(path, fmt.Appendf(text, "# edit %d\n", round), 0o644)
		})
	}
	host.before, call.before = edit, edit
	return overhead("dagger call, every unit edited: two stages run")
}

var took = regexp.MustCompile(`, [0-9.]+ m?s`)

// judged is the summary without how long it took.
func judged(stdout []byte) (string, error) { return listed(took.ReplaceAll(stdout, nil)) }
