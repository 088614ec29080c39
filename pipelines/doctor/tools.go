package doctor

import (
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
	pinned "github.com/penstock-dev/penstock/pipelines/tools"
)

// tool is a program that stages start.
type tool struct {
	name string
	// argv prints its version.
	argv []string
	// pin is its name in tools.json; "" where any version will do.
	pin string
	// like is what its version begins with, where tools.json does not pin it.
	like string
}

var programs = []tool{
	{name: "git", argv: []string{"git", "--version"}},
	{name: "terraform", argv: []string{"terraform", "version"}, pin: "terraform"},
	{name: "tflint", argv: []string{"tflint", "--version"}, pin: "tflint"},
	{name: "helm", argv: []string{"helm", "version", "--short"}, pin: "helm", like: "4."},
	{name: "kubectl", argv: []string{"kubectl", "version", "--client"}},
}

// tofu stands in for terraform, as it does for the stages.
var tofu = tool{name: "tofu", argv: []string{"tofu", "version"}, pin: "opentofu"}

func tools() []check {
	var checks []check
	for _, t := range programs {
		checks = append(checks, check{t.name, func(ctx context.Context) pipelines.Result {
			if t.name == "terraform" {
				if _, err := exec.LookPath(t.name); err != nil {
					if _, err := exec.LookPath(tofu.name); err == nil {
						return tofu.ask(ctx)
					}
				}
			}
			return t.ask(ctx)
		}})
	}
	return checks
}

var version = regexp.MustCompile(`[0-9]+\.[0-9]+(\.[0-9]+)?[0-9A-Za-z.+-]*`)

// ask compares what is on PATH with what tools.json pins.
func (t tool) ask(ctx context.Context) pipelines.Result {
	want := ""
	if known, err := pinned.Pinned(t.pin); err == nil {
		want = strings.TrimPrefix(known.Version, "v")
	}
	install := "install " + t.name + ", and put it on PATH"
	if t.like != "" {
		install = "install " + t.name + " " + t.like + "x, and put it on PATH"
	}
	if want != "" {
		install = "install " + t.name + " " + want + ", and put it on PATH"
	}
	if _, err := exec.LookPath(t.name); err != nil {
		return fail(install, "it is not on PATH")
	}
	env := append(os.Environ(), "CHECKPOINT_DISABLE=1") // terraform would ask whether there is a newer one
	out, err := process.Run(ctx, process.Command{Argv: t.argv, Env: env, Dir: os.TempDir(), Limit: 1 << 20})
	if err != nil {
		return notRun(install, "%v", err)
	}
	have := version.FindString(string(out.Stdout))
	if out.Exit != 0 || have == "" {
		return notRun(install, "%q ended with %d and told no version: %s", strings.Join(t.argv, " "), out.Exit, printable.Text(strings.TrimSpace(string(out.Stderr)), 200))
	}
	return t.judge(have, want, install)
}

func (t tool) judge(have, want, install string) pipelines.Result {
	have, _, _ = strings.Cut(have, "+")
	switch {
	case want != "" && have != want:
		return fail(install, "it is %s, tools.json pins %s", have, want)
	case want == "" && !strings.HasPrefix(have, t.like):
		return fail("install "+t.name+" "+t.like+"x", "it is %s, needed is %sx", have, t.like)
	case t.name == tofu.name:
		return pass("tofu %s stands in for it", have)
	}
	return pass("%s", have)
}
