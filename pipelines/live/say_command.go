package live

import (
	"slices"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/shell"
)

// command is what to type to do something with a target: with providers from where they
// came from, and, where verb looks at a change, against the same base. A unit that has
// commands of its own is named by these.
func (t Target) command(verb, base, mirror string, args ...string) string {
	words := []string{"penstock", verb}
	if own := t.Unit.Command; len(own) > 0 {
		words = slices.Clone(own)
		for i, word := range words {
			if word == pipelines.Verb {
				words[i] = verb
			}
		}
	} else {
		if base != "" {
			words = append(words, "--base", base)
		}
		if verb == "unlock" {
			words = append(words, leaseOf(t))
		} else {
			args = append([]string{"--only", t.ID()}, args...)
		}
	}
	if mirror != "" {
		words = append(words, "--provider-mirror", mirror)
	}
	return shell.Line(append(words, args...)...)
}

// reproduce is the command that plans a target as it is planned here.
func (p *planning) reproduce(t Target, out string) string {
	return planCommand(t, p.Selection.Base, p.Mirror, p.Program, p.Destroy, out)
}

func planCommand(t Target, base, mirror, program string, destroy bool, out string) string {
	var args []string
	if program != "" {
		args = append(args, "--terraform", program)
	}
	if destroy {
		args = append(args, "--destroy")
	}
	return t.command("plan", base, mirror, append(args, "--out", out)...)
}

// recoverHint is what to do after a run on a target was cut off.
func recoverHint(t Target, mirror, why string) string {
	return "run " + t.command("recover", "", mirror) + ": " + why
}
