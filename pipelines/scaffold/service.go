package scaffold

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/penstock-dev/penstock/pipelines"
)

// Service is the repository of a service to be.
type Service struct {
	// Root is the directory in which it is made, Name what it and the service are called.
	Root, Name string
	// Owner is the squad that answers for it.
	Owner string
	// Account (12 digits) and Region are where its first environment is.
	Account, Region string
}

var serviceNames = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)

// Write writes the repository's files: all of them, or none. It returns their paths
// relative to Root, sorted.
func (s Service) Write() ([]string, error) {
	if !serviceNames.MatchString(s.Name) {
		return nil, &pipelines.Error{Err: fmt.Errorf("writing the service %q: %w: it is no name", s.Name, ErrArgument), Hint: "use small letters, digits and hyphens, 2 to 31 of them"}
	}
	if strings.TrimSpace(s.Owner) == "" {
		return nil, &pipelines.Error{Err: fmt.Errorf("writing the service %q: %w: it has no owner", s.Name, ErrArgument), Hint: "name the squad with --owner"}
	}
	if len(s.Account) != 12 || strings.Trim(s.Account, "0123456789") != "" {
		return nil, &pipelines.Error{Err: fmt.Errorf("writing the service %q: %w: the account is %q", s.Name, ErrArgument, s.Account), Hint: "give its 12 digits"}
	}
	if strings.TrimSpace(s.Region) == "" {
		return nil, &pipelines.Error{Err: fmt.Errorf("writing the service %q: %w: it has no region", s.Name, ErrArgument), Hint: "give one like eu-west-1"}
	}
	root, err := os.OpenRoot(s.Root)
	if err != nil {
		return nil, fmt.Errorf("opening the directory: %w", err)
	}
	defer root.Close()
	if err := vacant(root, s.Name); err != nil {
		return nil, err
	}
	fill := strings.NewReplacer("NAME", s.Name, "OWNER", strconv.Quote(s.Owner), "ACCOUNT", s.Account, "REGION", strconv.Quote(s.Region))
	files := map[string][]byte{}
	for name, text := range serviceFiles {
		files[name] = []byte(fill.Replace(text))
	}
	return place(root, s.Name, files)
}

// serviceFiles are the files of a repository; what is in capitals is filled in.
var serviceFiles = map[string]string{
	"penstock.yaml": `# yaml-language-server: $schema=https://raw.githubusercontent.com/penstock-dev/penstock/main/schemas/penstock.schema.json
version: 1

service:
  name: NAME
  owner: OWNER
  # The platform's bundle; until it is pinned, name a directory with --bundle.
  # bundle: {version: 1.0.0, from: "oci://registry.example.com/platform/bundle", signers: {platform: "ed25519:..."}}
  # image: registry.example.com/team/NAME
  environments:
    - name: dvlp
      account: "ACCOUNT"
      region: REGION
      # cluster: {context: dvlp, identity: irsa, oidc_provider: "oidc.eks..."}

live:
  environments: # how state is kept, and who may apply
    - name: dvlp
      gates: false # a person may apply what they planned themselves
      # backend: {type: s3, config: {bucket: ..., region: REGION, use_lockfile: true}}
      # roles: {plan: "arn:aws:iam::ACCOUNT:role/plan", apply: "arn:aws:iam::ACCOUNT:role/apply"}
  # recipients: [age1...] # who can open a plan: penstock capsule keygen --identity
`,
	"service.tfvars": `# What the service needs in every environment. Names and types are the bundle's:
# penstock service explain --env dvlp shows what holds, and who said so.
sqs_queues = {
  # events = { access = ["consume"] }
}
`,
	"dvlp-iac.tfvars": `# What is otherwise in dvlp: mappings are laid over service.tfvars key by key, lists
# and everything else as a whole, and null takes away.
`,
	"helm_values.yaml": `# Values of the chart: see docs/charts.md of the platform.
{}
`,
	"Dockerfile": `# The image of the service: one process that listens on a port.
FROM scratch
`,
	".gitignore": `.penstock/
plans/
`,
}
