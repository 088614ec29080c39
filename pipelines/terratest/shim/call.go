package shim

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// call is one command line of terraform, taken apart.
type call struct {
	// global are the options before the command, chdir the directory that one of them names.
	global []string
	chdir  string
	// command is init, apply...; empty where there is none. flags follow it, without those
	// that say where the state is: that is ours. rest are the arguments that are no flags.
	command string
	flags   []flag
	rest    []string
}

// flag is one option, as -name=value or -name.
type flag struct{ name, text string }

// valued are the options whose value may be the next argument.
var valued = []string{"var", "var-file", "target", "replace", "out", "state", "state-out", "backup", "lock-timeout", "parallelism",
	"backend-config", "from-module", "plugin-dir", "lockfile", "filter", "test-directory", "generate-config-out", "exclude", "chdir", "config"}

// locking are left to us: Terratest does not lock by default, and an undo that comes while an
// apply is being stopped has to wait for its end.
var locking = []string{"lock", "lock-timeout"}

// placing say where the state is.
var placing = []string{"state", "state-out", "backup"}

func parse(args []string) (call, error) {
	c := call{chdir: "."}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		f, left := take(args)
		args = left
		c.global = append(c.global, f.text)
		if f.name == "chdir" {
			c.chdir = f.value()
		}
	}
	if len(args) == 0 {
		return c, nil
	}
	c.command = args[0]
	for args = args[1:]; len(args) > 0; {
		if !strings.HasPrefix(args[0], "-") {
			c.rest, args = append(c.rest, args[0]), args[1:]
			continue
		}
		f, left := take(args)
		args = left
		if slices.Contains(locking, f.name) && c.saves() {
			continue
		}
		if slices.Contains(placing, f.name) && c.saves() {
			fmt.Fprintf(os.Stderr, "penstock: -%s is left out: the state of a test lies outside of its sandbox\n", f.name)
			continue
		}
		c.flags = append(c.flags, f)
	}
	return c, nil
}

// lockTimeout is longer than an apply takes to stop.
const lockTimeout = "-lock-timeout=15m"

// take takes one option off, with its value.
func take(args []string) (flag, []string) {
	name, _, whole := strings.Cut(strings.TrimLeft(args[0], "-"), "=")
	if !whole && slices.Contains(valued, name) && len(args) > 1 {
		return flag{name, "-" + name + "=" + args[1]}, args[2:]
	}
	return flag{name, args[0]}, args[1:]
}

func (f flag) value() string {
	_, value, _ := strings.Cut(f.text, "=")
	return value
}

func (c call) has(name string) bool {
	return slices.ContainsFunc(c.flags, func(f flag) bool { return f.name == name })
}

// on says whether a switch is set.
func (c call) on(name string) bool {
	return slices.ContainsFunc(c.flags, func(f flag) bool {
		return f.name == name && (f.text == "-"+name || f.text == "--"+name || f.value() == "true")
	})
}

// saves says whether the call may change the state, or chooses where it lies.
func (c call) saves() bool {
	if slices.ContainsFunc(c.flags, func(f flag) bool { return f.name == "help" || f.name == "h" }) {
		return false
	}
	return slices.Contains([]string{"init", "apply", "destroy", "refresh", "import", "test"}, c.command)
}

// only are the options of some names, as arguments.
func (c call) only(names ...string) []string {
	var found []string
	for _, f := range c.flags {
		if slices.Contains(names, f.name) {
			found = append(found, f.text)
		}
	}
	return found
}

// argv is the call as the real program gets it.
func (c call) argv(real string) []string {
	argv := append(slices.Concat([]string{real}, c.global), c.command)
	for _, f := range c.flags {
		argv = append(argv, f.text)
	}
	if c.saves() && c.command != "init" && c.command != "test" {
		argv = append(argv, lockTimeout)
	}
	return append(argv, c.rest...)
}

// beside is another command in the same directory.
func (c call) beside(real, command string, args ...string) []string {
	return append(slices.Concat([]string{real}, c.global, []string{command}), args...)
}

// planned are the options of an apply that its plan needs too.
func (c call) planned() []string {
	return append(c.only("var", "var-file", "target", "replace", "exclude", "refresh", "refresh-only", "destroy", "parallelism"), lockTimeout)
}

// variables are the options that set variables, and what the files among them hold. Those
// of TF_CLI_ARGS count too.
func (c call) variables(dir string) (args []string, files map[string][]byte, err error) {
	args = c.only("var", "var-file")
	for _, name := range []string{"TF_CLI_ARGS", "TF_CLI_ARGS_" + c.command} {
		for words := strings.Fields(os.Getenv(name)); len(words) > 0; {
			var f flag
			if f, words = take(words); f.name == "var" || f.name == "var-file" {
				args = append(args, f.text)
			}
		}
	}
	files = map[string][]byte{}
	for _, arg := range args {
		name, ok := strings.CutPrefix(arg, "-var-file=")
		if !ok {
			name, ok = strings.CutPrefix(arg, "--var-file=")
		}
		if !ok {
			continue
		}
		full := name
		if !filepath.IsAbs(full) {
			full = filepath.Join(dir, name)
		}
		if files[name], err = os.ReadFile(full); err != nil {
			return nil, nil, fmt.Errorf("saving the variables: %w", err)
		}
	}
	return args, files, nil
}

// keptNames and keptPrefixes are the variables of the environment without which a destroy
// would look elsewhere. None is a credential: those are of whoever sweeps.
var (
	keptPrefixes = []string{"TF_VAR_", "AWS_ENDPOINT_URL", "TF_AWS_DEFAULT_TAGS_"}
	keptNames    = []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_S3_USE_PATH_STYLE",
		"GOOGLE_PROJECT", "GOOGLE_REGION", "GOOGLE_ZONE", "ARM_SUBSCRIPTION_ID", "ARM_TENANT_ID", "ARM_ENVIRONMENT"}
)

func keptEnvironment(environ []string) []string {
	var kept []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if slices.Contains(keptNames, name) || slices.ContainsFunc(keptPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			kept = append(kept, pair)
		}
	}
	return kept
}
