package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// catalog measures changed units with those that depend on them.
func (b *bench) catalog() error {
	for _, n := range b.sizes(100, 1000, 10_000) {
		root := filepath.Join(b.dir, fmt.Sprint("catalog", n))
		for i := range n {
			text := fmt.Sprintf("resource \"aws_sqs_queue\" \"q%d\" {}\n", i)
			if i%10 != 0 {
				text += fmt.Sprintf("module \"up\" {\n  source = \"../u%d\"\n}\n", i/10*10)
			}
			if err := write(filepath.Join(root, fmt.Sprintf("units/u%d/main.tf", i)), text); err != nil {
				return err
			}
		}
		commit := func(message string) error {
			for _, argv := range [][]string{{"add", "--all"}, {"-c", "user.name=b", "-c", "user.email=b@example.invalid", "commit", "-qm", message}} {
				if out, err := exec.Command("git", append([]string{"-C", root}, argv...)...).CombinedOutput(); err != nil {
					return fmt.Errorf("git %s: %s", argv[0], out)
				}
			}
			return nil
		}
		if out, err := exec.Command("git", "init", "-q", "-b", "main", root).CombinedOutput(); err != nil {
			return fmt.Errorf("git init: %s", out)
		}
		if err := commit("base"); err != nil {
			return err
		}
		for i := 0; i < n; i += 50 { // each has nine that depend on it
			path := filepath.Join(root, fmt.Sprintf("units/u%d/main.tf", i))
			if err := write(path, "resource \"aws_sqs_queue\" \"changed\" {}\n"); err != nil {
				return err
			}
		}
		if err := commit("change"); err != nil {
			return err
		}
		want := fmt.Sprint((n+49)/50*10, " units")
		ours := side{argv: []string{b.penstock, "units", "--base", "HEAD~1", root}, answer: func(stdout []byte) (string, error) {
			got := fmt.Sprint(strings.Count(string(stdout), "\n"), " units")
			if got != want {
				return "", fmt.Errorf("%s are selected, %s depend on the change", got, want)
			}
			return got, nil
		}}
		if err := b.alone("changed units with dependants", n, "terragrunt was not measured", ours); err != nil {
			return err
		}
	}
	return nil
}

// dagger measures warm calls where an engine runs.
func (b *bench) dagger() error {
	if os.Getenv("_EXPERIMENTAL_DAGGER_RUNNER_HOST") == "" {
		b.row("dagger call, warm", 0, "no engine was named", "", "")
		return nil
	}
	same := func([]byte) (string, error) { return "ran", nil }
	arguments := []string{"--root=examples/infrastructure-modules", "--program=" + b.penstock}
	host := side{argv: []string{b.penstock, "check", "--all", "--stages", "terraform-fmt,compliance", "examples/infrastructure-modules"}, answer: same}
	call := side{argv: append(append([]string{"dagger", "call", "--progress=plain"}, arguments...), "check", "--stages=terraform-fmt,compliance", "assert"), answer: same}
	var warm measured
	if err := call.once(&warm); err != nil { // the first one loads the module
		return err
	}
	b.row("dagger call, first", 13, "", warm.String(), "")
	var h, c measured
	for range 3 {
		if err := host.once(&h); err != nil {
			return err
		}
		if err := call.once(&c); err != nil {
			return err
		}
	}
	b.row("dagger call, warm, two stages", 13, "program alone: "+h.String(), c.String(), fmt.Sprintf("%.1f s over", c.median()-h.median()))
	return nil
}
