package gate

import (
	"io/fs"
	"path"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// unitFiles judges the files beside the configuration that change what terraform
// runs, and Terragrunt's.
func (j *judge) unitFiles() {
	entries, err := j.list(j.root)
	if err != nil {
		j.unreadable(hcl.Range{Filename: j.root}, err.Error())
	}
	for _, entry := range entries {
		name, at := entry.Name(), path.Join(j.root, entry.Name())
		switch {
		case name == ".terraform" || name == "terraform.d" || name == ".terragrunt-cache":
			j.findFile(at, "executable", "take it out of the repository", "%s may hold programs that terraform takes for installed providers or modules", name)
		case strings.HasSuffix(name, ".tfstate") || name == "terraform.tfstate.d":
			j.findFile(at, "state", "keep state in a backend", "%s would be taken for the state, which names providers to run", name)
		case name == ".terraform.lock.hcl":
			j.lock(at)
		}
	}
	for dir := j.root; ; dir = path.Dir(dir) {
		j.cliFiles(dir)
		if dir == "." {
			break
		}
	}
	j.terragrunt()
}

// cliFiles refuses the configuration of the command line, which names programs
// to run, and is read where HOME is the repository.
func (j *judge) cliFiles(dir string) {
	for _, name := range []string{".terraformrc", "terraform.rc", ".tofurc", "tofu.rc", ".terraform.d", ".tofu.d"} {
		if _, err := fs.Lstat(j.fsys, path.Join(dir, name)); err == nil {
			j.findFile(path.Join(dir, name), "cli-config", "take it out of the repository", "%s configures the command line: it may name programs to run as providers", name)
		}
	}
}

// lock judges the providers that the lock file names.
func (j *judge) lock(name string) {
	src, err := j.read(name)
	if err != nil {
		j.unreadable(hcl.Range{Filename: name}, err.Error())
		return
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	if diags.HasErrors() {
		j.broken(name, diags)
		return
	}
	for _, b := range file.Body.(*hclsyntax.Body).Blocks {
		if b.Type == "provider" && len(b.Labels) == 1 {
			j.provider(strings.ToLower(b.Labels[0]), b.DefRange())
		}
	}
}
