package terraform

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// foreignEnv names a directory of Terraform code of others to judge as well.
const foreignEnv = "PENSTOCK_FOREIGN_TF"

// mutants is how many changed copies of the seeds are judged, beside foreign files.
const mutants = 6000

// TestDifferential holds every verdict against the real terraform fmt, and
// against tofu fmt, which has a library of its own.
func TestDifferential(t *testing.T) {
	for _, program := range []string{"terraform", "tofu"} {
		t.Run(program, func(t *testing.T) { differential(t, program) })
	}
}

func differential(t *testing.T, program string) {
	terraform, err := exec.LookPath(program)
	if err != nil {
		t.Skipf("SKIPPED: %s is not on PATH, so nothing was compared with it", program)
	}
	seeds := sources(t, "testdata/fmt/seeds")
	random := rand.New(rand.NewPCG(2, 26))
	var files [][]byte
	files = append(files, seeds...)
	for len(files) < mutants {
		files = append(files, mutate(random, seeds))
	}
	own := len(files)
	if dir := os.Getenv(foreignEnv); dir != "" {
		foreign := sources(t, dir)
		files = append(files, foreign...)
		for range len(foreign) {
			files = append(files, mutate(random, foreign))
		}
	}
	dir := t.TempDir()
	for i, src := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.tf", i)), src, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	theirs := terraformFmt(t, terraform, dir, len(files))
	t.Logf("%d files: %d of ours, seeds and mutants; %d foreign, as they are and mutated (%s)", len(files), own, len(files)-own, foreignEnv)
	compareOpinions(t, files, theirs)
	compareStage(t, terraform, dir, theirs)
}

// compareOpinions: what we are certain of without terraform is what terraform says.
func compareOpinions(t *testing.T, files [][]byte, theirs []verdict) {
	counts := map[string]int{}
	for i, src := range files {
		o, it := examine("x.tf", src), theirs[i]
		wrong := ""
		switch {
		case (o.broken != nil) != it.broken:
			wrong = "broken or not"
		case it.broken:
			counts["broken"]++
			if o.broken.Line != it.line && it.line != 0 {
				wrong = fmt.Sprintf("broken at line %d, terraform says %d", o.broken.Line, it.line)
			}
		case o.clean() && it.rewrites:
			wrong = "clean, but terraform rewrites it"
		case !o.canonical && !it.rewrites:
			wrong = "not canonical, but terraform leaves it"
		case o.doubt == nil && !bytes.Equal(o.formatted, it.formatted):
			wrong = "formatted otherwise than terraform does"
		case o.clean():
			counts["clean"]++
		case o.doubt == nil:
			counts["not canonical"]++
		case it.rewrites:
			counts["in doubt, rewritten by terraform"]++
		default:
			counts["in doubt, left by terraform"]++
		}
		if wrong != "" {
			counts["DISAGREEMENT"]++
			if counts["DISAGREEMENT"] <= 10 {
				t.Errorf("file %d: %s (our doubt: %+v)\n%.3000q", i, wrong, o.doubt, src)
			}
		}
	}
	t.Logf("without terraform: %v", counts)
	for _, kind := range []string{"broken", "clean", "not canonical", "in doubt, rewritten by terraform", "in doubt, left by terraform"} {
		if counts[kind] < 10 {
			t.Errorf("only %d files are %s: the mutations no longer reach that case", counts[kind], kind)
		}
	}
}

// compareStage: the stage's verdict per file is that of terraform fmt -check, with
// all that it does without asking.
func compareStage(t *testing.T, terraform, dir string, theirs []verdict) {
	withHCL(t, ourHCL(t))
	report, err := Fmt{Scope: oneUnit(dir), Program: terraform, NoCache: true}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]pipelines.Verdict{}
	for _, finding := range report.Results[0].Findings {
		found[finding.Path] = finding.Verdict
	}
	disagree := 0
	for i, it := range theirs {
		if name := fmt.Sprintf("%d.tf", i); it.rewrites != (found[name] == pipelines.Fail) || found[name] == pipelines.Unknown {
			disagree++
			t.Errorf("%s: the stage says %q, terraform rewrites it: %v", name, found[name], it.rewrites)
		}
	}
	t.Logf("stage against terraform fmt -check: %d files, %d disagreements", len(theirs), disagree)
}

// verdict is what terraform says of a file.
type verdict struct {
	broken, rewrites bool
	line             int
	formatted        []byte
}

var diagnostic = regexp.MustCompile(`on (\d+)\.tf line (\d+)`)

// terraformFmt runs terraform fmt on a copy of the files, and then terraform fmt
// -check on those that it could read (with one that it cannot, it lists nothing):
// two processes for all of them.
func terraformFmt(t *testing.T, terraform, dir string, n int) []verdict {
	t.Helper()
	verdicts := make([]verdict, n)
	copied, readable := t.TempDir(), t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	_, errors := terraformIn(t, terraform, copied, "fmt", "-list=false", "-no-color")
	for _, match := range diagnostic.FindAllStringSubmatch(errors, -1) {
		i, _ := strconv.Atoi(match[1])
		if !verdicts[i].broken {
			verdicts[i].line, _ = strconv.Atoi(match[2])
		}
		verdicts[i].broken = true
	}
	for i := range verdicts {
		name := fmt.Sprintf("%d.tf", i)
		content, err := os.ReadFile(filepath.Join(copied, name))
		if err != nil {
			t.Fatal(err)
		}
		verdicts[i].formatted = content
		if !verdicts[i].broken {
			if err := os.Link(filepath.Join(dir, name), filepath.Join(readable, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	listed, errors := terraformIn(t, terraform, readable, "fmt", "-check", "-list=true", "-no-color")
	if errors != "" {
		t.Fatalf("terraform fmt -check: %s", errors)
	}
	for name := range strings.FieldsSeq(listed) {
		i, err := strconv.Atoi(strings.TrimSuffix(name, ".tf"))
		if err != nil {
			t.Fatalf("unexpected line %q of terraform fmt", name)
		}
		verdicts[i].rewrites = true
	}
	return verdicts
}

func terraformIn(t *testing.T, terraform, dir string, argv ...string) (stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	cmd := exec.Command(terraform, argv...)
	cmd.Dir, cmd.Stdout, cmd.Stderr, cmd.Env = dir, &out, &errors, environment(t.TempDir(), os.DevNull)
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() < 0 {
		t.Fatal(err)
	}
	return out.String(), errors.String()
}

// sources reads all files below dir that terraform fmt would look at.
func sources(t *testing.T, dir string) (found [][]byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || !formattable(d.Name()) {
			return err
		}
		src, err := os.ReadFile(path)
		found = append(found, src)
		return err
	})
	if err != nil || len(found) == 0 {
		t.Fatalf("reading %s: %d files, %v", dir, len(found), err)
	}
	return found
}

// oneUnit is the scope of a directory that is a single unit.
func oneUnit(dir string) pipelines.Scope {
	return pipelines.Scope{Root: dir, Selection: pipelines.Selection{All: true, Total: 1,
		Units: []pipelines.Unit{{Path: ".", Kind: pipelines.Module}}}}
}
