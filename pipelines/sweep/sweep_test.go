package sweep

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

const filesCode = `
variable "directory" { type = string }
variable "penstock_run" { type = string }
resource "local_file" "a" {
  filename = "${var.directory}/a-${var.penstock_run}"
  content  = "a"
}
module "b" {
  source    = "../shared"
  directory = var.directory
}
`

const sharedCode = `
variable "directory" { type = string }
resource "local_file" "b" {
  for_each = toset(["x", "y"])
  filename = "${var.directory}/b-${each.key}"
  content  = file("${path.module}/content.txt")
}
`

func (l *lab) files() string {
	l.module("shared", "main.tf", sharedCode, "content.txt", "b")
	return l.module("files", "main.tf", filesCode)
}

func TestADeadRunIsSwept(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	dir := l.files()
	l.deploy(dir, "-var", "directory="+l.outside())
	if got := l.objects(); len(got) != 3 {
		t.Fatalf("deployed %q", got)
	}
	l.must(os.RemoveAll(filepath.Join(l.tmp, "sandbox"))) // the sandbox goes with the test
	r := l.clean()
	if len(r.Results) != 2 || r.Results[1].Judged["objects"] != 3 {
		t.Error(said(r))
	}
	again := l.sweep()
	if again.Verdict != pipelines.Pass || len(again.Results) != 1 {
		t.Error(said(again))
	}
}

// What a test undoes by itself is not looked at again.
func TestWhatIsUndoneIsLeftAlone(t *testing.T) {
	l := newLab(t, "terraform", "local")
	l.begin(time.Hour)
	dir := l.files()
	l.deploy(dir, "-var=directory="+l.outside())
	l.ok(dir, "destroy", "-auto-approve", "-no-color", "-var=directory="+l.outside())
	r := l.clean()
	if !slices.ContainsFunc(r.Results, func(r pipelines.Result) bool { return r.Reason == "it was undone" }) {
		t.Error(said(r))
	}
}
