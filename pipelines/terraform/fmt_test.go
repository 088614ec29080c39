package terraform

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/penstock-dev/penstock/pipelines"
)

// tree writes files below a new directory: name, content.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func scope(dir string, units ...string) pipelines.Scope {
	s := pipelines.Scope{Root: dir, Selection: pipelines.Selection{All: true, Total: len(units)}}
	for _, unit := range units {
		s.Selection.Units = append(s.Selection.Units, pipelines.Unit{Path: unit, Kind: pipelines.Module})
	}
	return s
}

func run(t *testing.T, f Fmt) *pipelines.Report {
	t.Helper()
	report, err := f.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// noTerraform takes terraform and tofu away.
func noTerraform(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
}

const (
	clean       = "locals {\n  a = 1\n}\n"
	unformatted = "locals {\n  a = 1\n  bb=2\n}\n"
	formatted   = "locals {\n  a  = 1\n  bb = 2\n}\n"
	doubtfulTF  = "locals {\n  a = \"${var.a}\"\n}\n"
	broken      = "locals {\n  a = \n}\n"
)

func TestFmtWithoutTerraform(t *testing.T) {
	noTerraform(t)
	for _, c := range []struct {
		name, content string
		want          pipelines.Verdict
		line, column  int
		message, hint string
	}{
		{"clean", clean, pipelines.Pass, 0, 0, "", ""},
		{"unformatted", unformatted, pipelines.Fail, 2, 5, "not formatted", "--fix"},
		{"in doubt", doubtfulTF, pipelines.Unknown, 2, 7, "neither terraform nor tofu is on PATH", "install terraform"},
		{"both", strings.Replace(doubtfulTF, " = ", "  =  ", 1), pipelines.Fail, 2, 5, "not formatted", "install terraform"},
		{"legacy type", "variable \"a\" {\n  type = \"string\"\n}\n", pipelines.Unknown, 2, 10, "old form", "install terraform"},
		{"bare label", "resource a \"b\" {\n}\n", pipelines.Unknown, 1, 1, "labels", "install terraform"},
		{"broken", broken, pipelines.NotRun, 0, 0, "x.tf:2:7: could not be read: Invalid expression", ""},
		{"binary", "\x7fELF\x00\x01\x02\xff\xfe", pipelines.NotRun, 0, 0, "x.tf:1:1: could not be read: ", ""},
		{"deep", "a = " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "\n", pipelines.NotRun, 0, 0, "nested", ""},
		{"deep ternary", "a = " + strings.Repeat("a?a:", 1_000_000) + "1\n", pipelines.NotRun, 0, 0, "nested", ""},
		{"deep negation", "a = " + strings.Repeat("- ", 1_000_000) + "1\n", pipelines.NotRun, 0, 0, "nested", ""},
		{"deep splat", "a = a" + strings.Repeat("[*]", 1_000_000) + "\n", pipelines.NotRun, 0, 0, "nested", ""},
		{"deep directive", "a = \"" + strings.Repeat("%{if a}", 1_000_000) + "\"\n", pipelines.NotRun, 0, 0, "nested", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := tree(t, map[string]string{"unit/x.tf": c.content, "unit/y.tf": clean})
			result := run(t, Fmt{Scope: scope(dir, "unit"), NoCache: true}).Results[0]
			if result.Verdict != c.want {
				t.Fatalf("verdict %q, want %q: %+v", result.Verdict, c.want, result)
			}
			message, hint := result.Reason, result.Hint
			if len(result.Findings) > 0 {
				f := result.Findings[0]
				message, hint = f.Message, f.Hint
				if f.Path != "unit/x.tf" || f.Line != c.line || f.Column != c.column {
					t.Errorf("at %s:%d:%d, want unit/x.tf:%d:%d", f.Path, f.Line, f.Column, c.line, c.column)
				}
			}
			if !strings.Contains(message, c.message) || !strings.Contains(hint, c.hint) {
				t.Errorf("message %q, hint %q, want %q and %q in them", message, hint, c.message, c.hint)
			}
			if result.Judged["files"] != 2 {
				t.Errorf("judged %v, want 2 files", result.Judged)
			}
		})
	}
}

func TestFmtFilesOfAUnit(t *testing.T) {
	dir := tree(t, map[string]string{
		"m/main.tf": "", "m/vars.tfvars": "", "m/x.tofu": "", "m/main.tf.json": "", "m/README.md": "", "m/.hidden.tf": "",
		"m/main.tf~": "", "m/#main.tf#": "", "m/terraform.tfvars.json": "", "m/x.tfmock.hcl": "", "m/other.hcl": "",
		"m/tests/a.tftest.hcl": "", "m/tests/deep/b.tfvars": "", "m/tests/not-named.tftest.hcl": "",
		"m/child/main.tf": "", "m/child/tests/c.tftest.hcl": "", "m/live/terragrunt.hcl": "", "m/live/x.tfvars": "",
		"m/named/y.tfvars": "", "m/.hidden/z.tfvars": "", "other/main.tf": "", "other/tests/d.tftest.hcl": "",
	})
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	list := func(unit string) string {
		got, err := fmtFiles(root, pipelines.Unit{Path: unit, Inputs: []string{
			"m/.hidden/z.tfvars", "m/child/main.tf", "m/child/tests/c.tftest.hcl", "m/live/x.tfvars", "m/main.tf", "m/named/y.tfvars",
			"m/other.hcl", "m/tests/a.tftest.hcl", "m/tests/deep/b.tfvars", "other/main.tf", "other/tests/d.tftest.hcl",
		}}, map[string]bool{"m": true, "m/named": true})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(got, " ")
	}
	if got, want := list("m"), "m/main.tf m/vars.tfvars m/x.tfmock.hcl m/x.tofu m/tests/a.tftest.hcl m/tests/deep/b.tfvars"; got != want {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if got := list("."); got != "" {
		t.Errorf("the files of other units are those of the root: %v", got)
	}
}

func TestFmtUnreadable(t *testing.T) {
	noTerraform(t)
	outside := filepath.Join(t.TempDir(), "outside.tf")
	if err := os.WriteFile(outside, []byte(unformatted), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		make func(dir string) error
		want string
	}{
		"link to itself": {func(dir string) error { return os.Symlink("x.tf", dir+"/x.tf") }, "too many levels"},
		"link outside":   {func(dir string) error { return os.Symlink(outside, dir+"/x.tf") }, "escapes"},
		"dangling link":  {func(dir string) error { return os.Symlink("gone.tf", dir+"/x.tf") }, "no such file"},
		"link to a dir":  {func(dir string) error { return os.Symlink(".", dir+"/x.tf") }, "not a regular file"},
		"named pipe":     {func(dir string) error { return syscall.Mkfifo(dir+"/x.tf", 0o600) }, "not a regular file"},
		"no permission":  {func(dir string) error { return os.WriteFile(dir+"/x.tf", nil, 0) }, "permission denied"},
		"100 MB": {func(dir string) error {
			return os.WriteFile(dir+"/x.tf", []byte(strings.Repeat("# comment\n", 10_000_000)), 0o600)
		}, "100000000 bytes"},
		"unreadable directory": {func(dir string) error { return os.Chmod(dir, 0) }, "permission denied"},
		"no directory":         {os.RemoveAll, "no such file"},
		"odd name": {func(dir string) error {
			return os.WriteFile(dir+"/a\n\x1b[2Jb.tf", []byte(broken), 0o600)
		}, `unit/a\n\x1b[2Jb.tf:2:7: could not be read`},
	} {
		t.Run(name, func(t *testing.T) {
			if os.Geteuid() == 0 && c.want == "permission denied" {
				t.Skip("SKIPPED: root may read everything")
			}
			dir := t.TempDir()
			if err := os.Mkdir(dir+"/unit", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := c.make(dir + "/unit"); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.Chmod(dir+"/unit", 0o755) })
			result := run(t, Fmt{Scope: scope(dir, "unit"), NoCache: true}).Results[0]
			if result.Verdict != pipelines.NotRun || !strings.Contains(result.Reason, c.want) {
				t.Errorf("%q: %q, want not run with %q in it", result.Verdict, result.Reason, c.want)
			}
			if strings.ContainsAny(result.Reason, "\x1b\n") {
				t.Errorf("control characters in %q", result.Reason)
			}
		})
	}
}

func TestFmtLinkWithinTheRoot(t *testing.T) {
	noTerraform(t)
	dir := tree(t, map[string]string{"shared/x.tf": unformatted, "unit/y.tf": clean})
	if err := os.Symlink("../shared/x.tf", dir+"/unit/x.tf"); err != nil {
		t.Fatal(err)
	}
	if got := run(t, Fmt{Scope: scope(dir, "unit"), NoCache: true}).Results[0]; got.Verdict != pipelines.Fail {
		t.Errorf("got %+v, want a finding: terraform fmt reads through the link too", got)
	}
	got := run(t, Fmt{Scope: scope(dir, "unit"), NoCache: true, Fix: true}).Results[0]
	if got.Verdict != pipelines.NotRun || !strings.Contains(got.Reason, "symbolic link") {
		t.Errorf("got %+v, want the link refused", got)
	}
	if src, _ := os.ReadFile(dir + "/shared/x.tf"); string(src) != unformatted {
		t.Error("a file outside of the unit was rewritten through a link")
	}
}

func TestFmtFix(t *testing.T) {
	noTerraform(t)
	dir := tree(t, map[string]string{"unit/a.tf": unformatted, "unit/b.tf": clean, "unit/c.tf": doubtfulTF, "unit/d.tf": broken, "other/a.tf": unformatted})
	if err := os.Chmod(dir+"/unit/a.tf", 0o640); err != nil {
		t.Fatal(err)
	}
	report := run(t, Fmt{Scope: scope(dir, "unit"), NoCache: true, Fix: true})
	result := report.Results[0]
	if result.Verdict != pipelines.NotRun || len(result.Findings) != 1 || result.Findings[0].Verdict != pipelines.Unknown {
		t.Errorf("got %+v, want the broken file not run and the doubtful one unknown", result)
	}
	if result.Judged["rewritten"] != 1 || len(report.Notices) != 1 || report.Notices[0] != (pipelines.Notice{Path: "unit/a.tf", Message: "rewritten"}) {
		t.Errorf("judged %v, notices %v", result.Judged, report.Notices)
	}
	for name, want := range map[string]string{"unit/a.tf": formatted, "unit/b.tf": clean, "unit/c.tf": doubtfulTF, "unit/d.tf": broken, "other/a.tf": unformatted} {
		if src, err := os.ReadFile(dir + "/" + name); err != nil || string(src) != want {
			t.Errorf("%s is %q, want %q (%v)", name, src, want, err)
		}
	}
	if info, _ := os.Stat(dir + "/unit/a.tf"); info.Mode().Perm() != 0o640 {
		t.Errorf("the mode became %v", info.Mode())
	}
	entries, _ := os.ReadDir(dir + "/unit")
	if len(entries) != 4 {
		t.Errorf("files are left behind: %v", entries)
	}
	if again := run(t, Fmt{Scope: scope(dir, "other"), NoCache: true}).Results[0]; again.Verdict != pipelines.Fail {
		t.Errorf("got %+v", again)
	}
}

func TestFmtFixReadOnly(t *testing.T) {
	noTerraform(t)
	dir := tree(t, map[string]string{"unit/a.tf": unformatted})
	if err := os.Chmod(dir+"/unit/a.tf", 0o444); err != nil {
		t.Fatal(err)
	}
	result := run(t, Fmt{Scope: scope(dir, "unit"), NoCache: true, Fix: true}).Results[0]
	if result.Verdict != pipelines.NotRun || !strings.Contains(result.Reason, "unit/a.tf: could not be rewritten: it is read-only") || result.Hint == "" {
		t.Errorf("got %+v", result)
	}
}

// TestFmtAsksABrokenTerraformOnce: one that cannot even tell its version is not
// asked for every file by itself.
func TestFmtAsksABrokenTerraformOnce(t *testing.T) {
	dir, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	program := filepath.Join(dir, "terraform")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho $1 >> "+log+"\necho 'Error: no licence' >&2\nexit 1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range strings.Split("abcdefghijklmnopqrst", "") {
		files["unit/"+name+".tf"] = unformatted
	}
	result := run(t, Fmt{Scope: scope(tree(t, files), "unit"), Program: program, NoCache: true}).Results[0]
	if result.Verdict != pipelines.NotRun || !strings.Contains(result.Reason, "no licence") || !strings.Contains(result.Reason, "and 19 more") {
		t.Errorf("got %+v", result)
	}
	if calls, _ := os.ReadFile(log); strings.Count(string(calls), "\n") > 3 {
		t.Errorf("it was asked:\n%s", calls)
	}
}

// TestFmtFindsWhatTerraformCannotRead: one file that it refuses leaves the
// verdict on the others.
func TestFmtFindsWhatTerraformCannotRead(t *testing.T) {
	needTerraform(t)
	p := mustFind(t)
	sources := [][]byte{[]byte(clean), []byte(unformatted), []byte(broken), []byte(unformatted), []byte(doubtfulTF)}
	want := []string{clean, formatted, "", formatted, "locals {\n  a = var.a\n}\n"}
	for i, got := range p.ask(t.Context(), sources) {
		if (got.err != nil) != (want[i] == "") || string(got.formatted) != want[i] {
			t.Errorf("%d: %q, %v, want %q", i, got.formatted, got.err, want[i])
		}
	}
}

// TestFmtFixOnAFullDisk: a limit on the size of files stands in for the disk. It is
// far above what the test program itself writes meanwhile to its log of the tests.
func TestFmtFixOnAFullDisk(t *testing.T) {
	noTerraform(t)
	const limit = 1 << 20
	src := "a{\n}\n" + strings.Repeat("# a comment of some length, so that there are few of them\n", limit/40)
	dir := tree(t, map[string]string{"unit/a.tf": src})
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	result := run(t, Fmt{Scope: scope(dir, "unit"), NoCache: true, Fix: true}).Results[0]
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if result.Verdict != pipelines.NotRun || !strings.Contains(result.Reason, "unit/a.tf: could not be rewritten: file too large") {
		t.Errorf("got %+v", result)
	}
	if now, _ := os.ReadFile(dir + "/unit/a.tf"); string(now) != src {
		t.Error("the file is no longer what it was")
	}
	if entries, _ := os.ReadDir(dir + "/unit"); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestFmtNothingToJudge(t *testing.T) {
	dir := tree(t, map[string]string{"unit/main.tf.json": "{"})
	result := run(t, Fmt{Scope: scope(dir, "unit"), NoCache: true}).Results[0]
	if result.Verdict != pipelines.Pass || result.Reason == "" || result.Judged["files"] != 0 {
		t.Errorf("got %+v, want a pass that says there was nothing", result)
	}
}
