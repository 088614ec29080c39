package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// catalog measures changed units with those that depend on them. Each unit is a
// Terragrunt unit, so that both sides read the same edges: nine of ten depend on
// the tenth, and one in fifty changes. The peer compares two commits; ours compares
// the working tree with one, which is what it does for its users and more to do.
func (b *bench) catalog() error {
	_, absent := exec.LookPath("terragrunt")
	for _, n := range b.sizes(100, 1000, 10_000) {
		root := filepath.Join(b.dir, fmt.Sprint("catalog", n))
		var want []string
		for i := range n {
			text, up := "inputs = {}\n", i/10*10
			if i != up {
				text = fmt.Sprintf("dependency \"up\" {\n  config_path = \"../u%d\"\n}\n", up)
			}
			if up%50 == 0 {
				want = append(want, fmt.Sprint("units/u", i))
			}
			unit := filepath.Join(root, fmt.Sprint("units/u", i))
			if err := write(filepath.Join(unit, "main.tf"), fmt.Sprintf("resource \"aws_sqs_queue\" \"q%d\" {}\n", i)); err != nil {
				return err
			}
			if err := write(filepath.Join(unit, "terragrunt.hcl"), text); err != nil {
				return err
			}
		}
		if err := commit(root, "base"); err != nil {
			return err
		}
		for i := 0; i < n; i += 50 {
			if err := write(filepath.Join(root, fmt.Sprintf("units/u%d/terragrunt.hcl", i)), "inputs = { changed = true }\n"); err != nil {
				return err
			}
		}
		if err := commit(root, "change"); err != nil {
			return err
		}
		slices.Sort(want)
		truth := strings.Join(want, " ")
		const what = "changed units with dependants"
		ours := side{argv: []string{b.penstock, "units", "--base", "HEAD~1", root}, answer: listed}
		peer := side{argv: []string{"terragrunt", "find", "--no-color", "--filter", "...[HEAD~1...HEAD]"}, dir: root, answer: listed}
		var err error
		switch {
		case n > 1000:
			err = b.alone(what, n, "not measured: minutes a run", exactly(ours, truth))
		case absent != nil:
			err = b.alone(what, n, "not measured: there is no terragrunt here, .ci/terragrunt builds it", exactly(ours, truth))
		default:
			err = b.compare(what, n, peer, exactly(ours, truth))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exactly holds a side by what is true by construction, also where it has no peer.
func exactly(s side, truth string) side {
	answer := s.answer
	s.answer = func(stdout []byte) (string, error) {
		got, err := answer(stdout)
		if err == nil && got != truth {
			err = fmt.Errorf("it answers %.300q, but %.300q is true", got, truth)
		}
		return got, err
	}
	return s
}

// commit commits all of root, which becomes a repository if it is none.
func commit(root, message string) error {
	for _, argv := range [][]string{{"init", "-q", "-b", "main"}, {"add", "--all"},
		{"-c", "user.name=b", "-c", "user.email=b@example.invalid", "commit", "-qm", message}} {
		if out, err := exec.Command("git", append([]string{"-C", root}, argv...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %s", argv[0], out)
		}
	}
	return nil
}
