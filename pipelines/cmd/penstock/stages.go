package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/penstock-dev/penstock/pipelines/check"
	"github.com/penstock-dev/penstock/pipelines/compliance"
)

// stageFlags are what single stages are told.
type stageFlags struct {
	fix       bool
	policies  []string
	noBuiltin bool
	mirror    string
	allow     []string
	offline   bool
}

// stageCommand is one stage as a command of its own.
type stageCommand struct {
	name, use, short, long, example string
}

var stages = []stageCommand{{
	name: "terraform-fmt", short: "Find files that terraform fmt would rewrite",
	long: `Judges each file as terraform fmt -check does. What is canonical beyond doubt needs
no terraform; where terraform is absent, a file that only it can judge is unknown.`,
	example: `  penstock terraform-fmt --base origin/main
  penstock terraform-fmt --fix`,
}, {
	name: "terraform-validate", short: "Run terraform validate on each unit",
	long: `Runs terraform init -backend=false and terraform validate on each unit, under a CLI
configuration of its own: no provider, plugin or .terraformrc of the checkout counts.
OpenTofu is used where terraform is absent.`,
	example: `  penstock terraform-validate --base origin/main
  penstock terraform-validate --all --provider-mirror /opt/providers`,
}, {
	name: "tflint", short: "Run tflint on each unit",
	long: `Runs tflint on each unit with the configuration that tflint would find, as it stands
on the base. A plugin that is missing or cannot be fetched is not run.`,
	example: `  penstock tflint --base origin/main`,
}, {
	name: "compliance", use: "compliance [DIR... | PLAN.json...]", short: "Judge configuration or plans by policy",
	long: `Judges every resource by the built-in rules and by your own, on plain configuration
(no credentials, providers or init) or on the JSON of plans (terraform show -json).
What cannot be known is unknown, and does not pass.`,
	example: `  penstock compliance --all modules
  penstock compliance plan.json
  penstock compliance --policies policies --no-builtin plan.json`,
}}

func (p *program) stage(sc stageCommand) *cobra.Command {
	var f scopeFlags
	var o outputFlags
	var s stageFlags
	cmd := &cobra.Command{
		Use: sc.name + " [DIR]", Short: sc.short, Long: sc.long, Example: sc.example,
		Args: args(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, given []string) error {
			c := check.Check{Stages: []string{sc.name}}
			return p.judge(cmd.Context(), c, f, s, o, or(given, "."))
		},
	}
	if sc.name == "compliance" {
		cmd.Use, cmd.Args = sc.use, nil
		cmd.RunE = func(cmd *cobra.Command, given []string) error {
			return p.compliance(cmd.Context(), given, f, s, o)
		}
	}
	f.add(cmd)
	o.add(cmd)
	s.add(cmd, sc.name)
	return cmd
}

// add adds the flags of one stage, or of all of them.
func (s *stageFlags) add(cmd *cobra.Command, stage string) {
	flags := cmd.Flags()
	if stage == "terraform-fmt" {
		flags.BoolVar(&s.fix, "fix", false, "rewrite the files")
	}
	if stage == "terraform-validate" || stage == "" {
		flags.StringVar(&s.mirror, "provider-mirror", "", "take providers from the filesystem mirror in `DIR` only")
		flags.StringArrayVar(&s.allow, "allow-provider", nil, "allow the provider `HOST/NAMESPACE/TYPE`; * stands for any; may be given more than once")
	}
	if stage == "tflint" || stage == "" {
		flags.BoolVar(&s.offline, "offline", false, "fetch no plugin of tflint")
	}
	if stage == "compliance" || stage == "" {
		flags.StringArrayVar(&s.policies, "policies", nil, "add the rules in `DIR`; may be given more than once")
		flags.BoolVar(&s.noBuiltin, "no-builtin", false, "leave the built-in rules out")
	}
}

func (s *stageFlags) apply(c *check.Check) error {
	c.Fmt.Fix = s.fix
	c.Validate.Mirror, c.Validate.Allow = s.mirror, s.allow
	c.Tflint.Offline = s.offline
	c.Compliance.NoBuiltin = s.noBuiltin
	for _, dir := range s.policies {
		root, err := directory(dir)
		if err != nil {
			return err
		}
		c.Compliance.Policies = append(c.Compliance.Policies, compliance.Source{Name: dir, FS: os.DirFS(root)})
	}
	return nil
}
