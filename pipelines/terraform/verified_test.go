package terraform

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// TestVerifiedOncePlansAsEver plans units side by side both ways, and applies what
// was planned on verified copies with an ordinary init.
func TestVerifiedOncePlansAsEver(t *testing.T) {
	mirror := testMirror(t)
	units := map[string][]string{"random": {"random"}, "null": {"null"}, "local": {"local"}, "time": {"time"}, "all": {"random", "null", "local", "time"},
		"two": {"null", "time"}, "builtin": nil}
	files := map[string]string{"modules/m/main.tf": needing("random")[len("terraform {\n  backend \"local\" {}\n"):]}
	files["modules/m/main.tf"] = "terraform {\n" + files["modules/m/main.tf"]
	for unit, names := range units {
		files["live/"+unit+"/main.tf"] = needing(names...)
		if len(names) > 0 {
			files["live/"+unit+"/.terraform.lock.hcl"] = lockOf(t, mirror, names...)
		}
	}
	files["live/two/module.tf"] = "module \"m\" {\n  source = \"../../modules/m\"\n}\n"
	files["live/two/.terraform.lock.hcl"] = lockOf(t, mirror, "null", "time", "random")
	for _, program := range []string{"terraform", "tofu"} {
		t.Run(program, func(t *testing.T) {
			if _, err := exec.LookPath(program); err != nil {
				t.Skip("SKIPPED: " + program + " is not on PATH")
			}
			root, mirror := tree(t, files), mirror
			if program == "tofu" { // it takes the other registry's lock files for its own, and rewrites them
				mirror = ownMirror(t, "random", "null", "local", "time")
				if err := os.Rename(filepath.Join(mirror, "registry.terraform.io"), filepath.Join(mirror, "registry.opentofu.org")); err != nil {
					t.Fatal(err)
				}
				theirs := map[string]string{}
				for name, text := range files {
					theirs[name] = strings.ReplaceAll(text, "registry.terraform.io", "registry.opentofu.org")
				}
				root = tree(t, theirs)
			}
			plain, once := opened(t, Runner{Program: program, Mirror: mirror}), opened(t, Runner{Program: program, Mirror: mirror, VerifyProvidersOnce: true})
			t.Run("units", func(t *testing.T) { // ends when all of them have
				for unit := range units {
					t.Run(unit, func(t *testing.T) {
						t.Parallel()
						plansAsEver(t, plain, once, root, "live/"+unit)
					})
				}
			})
			if n := len(once.verified.packages); n != 4 {
				t.Errorf("%d packages were verified for 7 units, want each of 4 once", n)
			}
		})
	}
}

func plansAsEver(t *testing.T, plain, once *Runner, root, unit string) {
	var plans [2]map[string]any
	var file string
	for i, runner := range []*Runner{plain, once} {
		w, err := ready(t, runner, root, unit)
		if err != nil {
			t.Fatal(err)
		}
		plans[i], file = planned(t, w)
		before, _ := os.ReadFile(filepath.Join(root, unit, ".terraform.lock.hcl")) // none in one unit
		after, _ := os.ReadFile(filepath.Join(w.Unit, ".terraform.lock.hcl"))
		if !bytes.Equal(before, after) {
			t.Errorf("the lock file was %q and is %q", before, after)
		}
	}
	if !reflect.DeepEqual(plans[0], plans[1]) {
		t.Errorf("the plans differ: %v and %v", plans[0], plans[1])
	}
	applying, err := ready(t, plain, root, unit)
	if err != nil {
		t.Fatal(err)
	}
	out, err := applying.Run(t.Context(), Command{Args: []string{"apply", "-input=false", "-no-color", file}})
	if err != nil || out.Exit != 0 || !strings.Contains(string(out.Stdout), "Apply complete!") {
		t.Errorf("applying the plan: %v %s", err, out.Stderr)
	}
}

// TestVerifiedOnceRefuses: %H in a reason stands for the hash of the package as it
// is now, %V for the version of the lock.
func TestVerifiedOnceRefuses(t *testing.T) {
	needTerraform(t)
	const null, prefix = "registry.terraform.io/hashicorp/null", "verifying providers once: "
	lines := func(lock string, keep func(string) bool) string {
		return strings.Join(slices.DeleteFunc(strings.SplitAfter(lock, "\n"), func(l string) bool { return !keep(l) }), "")
	}
	for name, c := range map[string]struct {
		needs  []string
		change func(t *testing.T, mirror, lock string) string // of the mirror, and of the lock, where "" is none
		allow  string
		want   string
	}{
		"tampered program": {change: func(t *testing.T, mirror, lock string) string {
			add(t, binary(t, mirror, "null"), "x")
			return lock
		}, want: "the package of " + null + " %V is %H, which the lock file does not allow"},
		"extra file": {change: func(t *testing.T, mirror, lock string) string {
			add(t, filepath.Join(filepath.Dir(binary(t, mirror, "null")), "extra"), "x")
			return lock
		}, want: "the package of " + null + " %V is %H, which the lock file does not allow"},
		"other version": {change: func(t *testing.T, mirror, lock string) string {
			version := filepath.Dir(filepath.Dir(binary(t, mirror, "null")))
			if err := os.Rename(version, filepath.Join(filepath.Dir(version), "9.9.9")); err != nil {
				t.Fatal(err)
			}
			return lock
		}, want: "the lock file names " + null + " %V, the mirror has 9.9.9 for " + platform},
		"not in the mirror": {change: func(t *testing.T, mirror, lock string) string {
			if err := os.RemoveAll(filepath.Join(mirror, null)); err != nil {
				t.Fatal(err)
			}
			return lock
		}, want: "the lock file names " + null + " %V, the mirror has nothing of it for " + platform},
		"link in the package": {change: func(t *testing.T, mirror, lock string) string {
			program := binary(t, mirror, "null")
			if err := errors.Join(os.Rename(program, filepath.Join(mirror, "p")), os.Symlink("../../../../../../p", program)); err != nil {
				t.Fatal(err)
			}
			return lock
		}, want: "the package of " + null + " %V cannot be copied: \"terraform-provider-null_v%V\" is not a regular file"},
		"no lock file":  {change: func(*testing.T, string, string) string { return "" }, want: "there is no .terraform.lock.hcl, and the unit needs " + null},
		"no lock entry": {needs: []string{"null", "time"}, change: func(_ *testing.T, _, lock string) string { return lock }, want: "the lock file does not name registry.terraform.io/hashicorp/time, which the unit needs"},
		"no hash": {change: func(_ *testing.T, _, lock string) string {
			return lines(lock, func(l string) bool { return !strings.Contains(l, "h1:") })
		}, want: "the lock file has no h1 hash of " + null + " %V"},
		"zh alone": {change: func(_ *testing.T, _, lock string) string {
			return strings.ReplaceAll(lock, "h1:", "zh:")
		}, want: "the lock file has no h1 hash of " + null + " %V"},
		"named twice": {change: func(_ *testing.T, _, lock string) string { return lock + lock }, want: "the lock file names " + null + " twice"},
		"out of the mirror": {change: func(_ *testing.T, _, lock string) string {
			return strings.ReplaceAll(lock, null, "../x/y")
		}, want: `the lock file names "../x/y", which is no address of a provider`},
		"out by its version": {change: func(_ *testing.T, _, lock string) string {
			return "provider \"" + null + "\" {\n  version = \"../1\"\n}\n"
		}, want: `the lock file has "../1" as the version of ` + null},
		"not allowed": {change: func(_ *testing.T, _, lock string) string { return lock }, allow: "registry.terraform.io/hashicorp/time", want: null + " is not allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mirror := ownMirror(t, "null")
			lock := lockOf(t, mirror, "null")
			version := filepath.Base(filepath.Dir(filepath.Dir(binary(t, mirror, "null"))))
			lock = c.change(t, mirror, lock)
			hash := ""
			if strings.Contains(c.want, "%H") {
				hash = lockOf(t, mirror, "null")
				hash = hash[strings.Index(hash, "h1:"):strings.Index(hash, "\",\n")]
			}
			needs := c.needs
			if needs == nil {
				needs = []string{"null"}
			}
			files := map[string]string{"u/main.tf": needing(needs...)}
			if lock != "" {
				files["u/.terraform.lock.hcl"] = lock
			}
			r := Runner{Program: "terraform", Mirror: mirror, VerifyProvidersOnce: true}
			if c.allow != "" {
				r.Allow = []string{c.allow}
			}
			w, err := ready(t, opened(t, r), tree(t, files), "u")
			want := prefix + strings.NewReplacer("%H", hash, "%V", version).Replace(c.want)
			if err == nil || err.Error() != want || !errors.Is(err, ErrUnverified) {
				t.Fatalf("%v, want %s", err, want)
			}
			var known *pipelines.Error
			if !errors.As(err, &known) || known.Hint == "" {
				t.Errorf("%v has no hint", err)
			}
			if out, err := w.Run(t.Context(), Command{Args: []string{"plan", "-input=false"}}); err == nil && out.Exit == 0 {
				t.Error("it can be planned all the same")
			}
		})
	}
}

// TestVerifiedOnceHoldsConstraints: what terraform checks in an ordinary init, it
// checks here too.
func TestVerifiedOnceHoldsConstraints(t *testing.T) {
	needTerraform(t)
	mirror := testMirror(t)
	root := tree(t, map[string]string{"u/main.tf": needing("null"), "u/.terraform.lock.hcl": lockOf(t, mirror, "null"),
		"u/more.tf": "module \"m\" {\n  source = \"./m\"\n}\n",
		"u/m/m.tf":  "terraform {\n  required_providers {\n    null = {\n      source = \"registry.terraform.io/hashicorp/null\"\n      version = \">= 99\"\n    }\n  }\n}\n"})
	for _, once := range []bool{false, true} {
		_, err := ready(t, opened(t, Runner{Program: "terraform", Mirror: mirror, VerifyProvidersOnce: once}), root, "u")
		if err == nil || !strings.Contains(err.Error(), "does not match configured version constraint") {
			t.Errorf("once %v: %v", once, err)
		}
	}
}

// TestVerifiedOnceSeesChanges: of the copies, after they were verified and while
// terraform runs on them. %P in a reason stands for the name of the program.
func TestVerifiedOnceSeesChanges(t *testing.T) {
	needTerraform(t)
	mirror := testMirror(t)
	root := tree(t, map[string]string{"u/main.tf": needing("null"), "u/.terraform.lock.hcl": lockOf(t, mirror, "null")})
	overwrite := func(program string) error { // its beginning, with what is there
		if err := os.Chmod(program, 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(program, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteAt([]byte("\x7fELF"), 0)
		return errors.Join(err, f.Close(), os.Chmod(program, 0o500))
	}
	for name, c := range map[string]struct {
		change func(program string) error
		want   string
	}{
		"written to": {overwrite, `"%P" was written to`},
		"written to, and its time set back": {func(program string) error {
			info, err := os.Stat(program)
			if err != nil {
				return err
			}
			return errors.Join(overwrite(program), os.Chtimes(program, info.ModTime(), info.ModTime()))
		}, `"%P" was written to`},
		"replaced": {func(program string) error {
			info, err := os.Stat(program)
			if err != nil {
				return err
			}
			content, err := os.ReadFile(program)
			return errors.Join(err, os.WriteFile(program+".new", content, 0o500), os.Chtimes(program+".new", info.ModTime(), info.ModTime()),
				os.Rename(program+".new", program))
		}, `"%P" was replaced`},
		"new":            {func(program string) error { return os.WriteFile(program+".new", nil, 0o400) }, `"%P.new" is new`},
		"gone":           {os.Remove, `"%P" is gone`},
		"may be written": {func(program string) error { return os.Chmod(program, 0o700) }, `"%P" was written to`},
	} {
		for _, during := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, during %v", name, during), func(t *testing.T) {
				if strings.Contains(name, "set back") && runtime.GOOS != "linux" {
					t.Skip("SKIPPED: this system does not tell")
				}
				t.Parallel()
				w, err := ready(t, opened(t, Runner{Program: "terraform", Mirror: mirror, VerifyProvidersOnce: true}), root, "u")
				if err != nil {
					t.Fatal(err)
				}
				dir := w.packages[0].dir
				program := binaryIn(t, dir)
				info, err := os.Stat(program)
				if err != nil || info.Mode().Perm() != 0o500 {
					t.Fatalf("the copy has the mode %v: %v", info.Mode(), err)
				}
				alter := func(int) {
					if err := errors.Join(os.Chmod(dir, 0o700), c.change(program)); err != nil {
						t.Error(err)
					}
				}
				command := Command{Args: []string{"version"}, Started: alter}
				if !during {
					command.Started = func(int) { t.Error("terraform was started on it") }
					alter(0)
				}
				_, err = w.Run(t.Context(), command)
				want := fmt.Sprintf("verifying providers once: the package of %s changed after it was verified: %s", w.packages[0].name,
					strings.ReplaceAll(c.want, "%P", filepath.Base(program)))
				if !errors.Is(err, ErrUnverified) || !strings.HasPrefix(fmt.Sprint(err), want) {
					t.Errorf("%v, want %s", err, want)
				}
			})
		}
	}
}

func TestVerifiedOnceNeverApplies(t *testing.T) {
	needTerraform(t)
	mirror := testMirror(t)
	root := tree(t, map[string]string{"u/main.tf": needing("null"), "u/.terraform.lock.hcl": lockOf(t, mirror, "null")})
	w, err := ready(t, opened(t, Runner{Program: "terraform", Mirror: mirror, VerifyProvidersOnce: true}), root, "u")
	if err != nil {
		t.Fatal(err)
	}
	_, file := planned(t, w)
	for _, verb := range []string{"apply", "destroy", "import"} {
		if _, err := w.Run(t.Context(), Command{Args: []string{verb, file}}); !errors.Is(err, ErrUnverified) {
			t.Errorf("%s: %v", verb, err)
		}
	}
}
