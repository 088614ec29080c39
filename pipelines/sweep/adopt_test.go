package sweep

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed/record"
	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
)

const adoptCode = `
variable "directory" { type = string }
variable "penstock_run" { type = string }
resource "local_file" "a" {
  filename = "${var.directory}/a"
  content  = "a"
}
resource "random_string" "bucket" {
  length     = 4
  depends_on = [local_file.a]
}
resource "local_file" "named" {
  filename = "${var.directory}/${random_string.bucket.result}"
  content  = "b"
}
resource "local_file" "after" {
  filename   = "${var.directory}/after"
  content    = "c"
  depends_on = [local_file.named]
}
`

// intend writes an apply that was cut off, in place of the steps of a deployment: a stand-in
// for types whose provider is not here. An orphan is looked for by its type, at its address.
func (l *lab) intend(creates ...record.Create) {
	l.t.Helper()
	l.cutOff()
	d := l.one()
	l.must(l.states.Redo(l.t.Context(), d.Run, d.ID))
	first := d.Steps[0]
	first.Creates = creates
	l.must(os.Remove(l.states.File(record.StepName(d.Run, d.ID, first.Seq))))
	_, err := l.states.Step(l.t.Context(), d.Run, d.ID, first)
	l.must(err)
}

// forget takes resources out of the state and its copies, as if they had never come into it.
func (l *lab) forget(dir string, addresses ...string) {
	l.t.Helper()
	for _, address := range addresses {
		l.ok(dir, "state", "rm", address)
	}
	_ = os.Remove(record.CopyOf(l.stateFile()))
	backups, err := filepath.Glob(l.stateFile() + "*backup*")
	l.must(err)
	for _, name := range backups {
		l.must(os.Remove(name))
	}
}

func TestOrphans(t *testing.T) {
	outside := func(l *lab, name string) string { return filepath.Join(l.outside(), name) }
	for name, c := range map[string]struct {
		forget  []string
		creates func(*lab) []record.Create
		program string // what the sweep's terraform does first
		leaks   []string
		judged  string
		left    int // objects outside
	}{
		"written again": {[]string{"local_file.a"}, func(l *lab) []record.Create {
			return []record.Create{{Address: "local_file.a", Type: "local_file", Identity: outside(l, "a")}}
		}, "", nil, "orphans_adopted", 0},
		"named by what is in the state": {[]string{"local_file.named"}, func(l *lab) []record.Create {
			return []record.Create{{Address: "local_file.named", Type: "local_file"}}
		}, "", nil, "orphans_adopted", 0},
		"never begun": {[]string{"local_file.named", "local_file.after"}, func(l *lab) []record.Create {
			l.must(os.Remove(outside(l, "after")))
			return []record.Create{{Address: "local_file.named", Type: "local_file"}, {Address: "local_file.after", Type: "local_file", Identity: outside(l, "after")}}
		}, "", nil, "orphans_never_begun", 0},
		"never begun, of no known type": {[]string{"local_file.named", "local_file.after"}, func(l *lab) []record.Create {
			l.must(os.Remove(outside(l, "after")))
			return []record.Create{{Address: "local_file.named", Type: "local_file"}, {Address: "local_file.after", Type: "aws_vpc"}}
		}, "", nil, "orphans_never_begun", 0},
		"of no known type": {[]string{"local_file.a"}, func(l *lab) []record.Create {
			return []record.Create{{Address: "local_file.a", Type: "aws_vpc"}}
		}, "", []string{"local_file.a"}, "", 1},
		"another than was intended": {[]string{"local_file.a"}, func(l *lab) []record.Create {
			return []record.Create{{Address: "local_file.a", Type: "local_file", Identity: "/elsewhere"}}
		}, "", []string{"local_file.a"}, "", 1},
		"imported": {[]string{"random_string.bucket"}, func(l *lab) []record.Create {
			return []record.Create{{Address: "random_string.bucket", Type: "aws_s3_bucket", Identity: "abcd"}}
		}, "", nil, "orphans_adopted", 0},
		"not there to be imported": {[]string{"random_string.bucket"}, func(l *lab) []record.Create {
			return []record.Create{{Address: "random_string.bucket", Type: "aws_s3_bucket", Identity: "abcd"}}
		}, `if [ "$1" = import ]; then echo "Error: Cannot import non-existent remote object" >&2; exit 1; fi`, nil, "orphans_absent", 0},
		"cannot be looked for": {[]string{"random_string.bucket"}, func(l *lab) []record.Create {
			return []record.Create{{Address: "random_string.bucket", Type: "aws_s3_bucket", Identity: "abcd"}}
		}, `if [ "$1" = import ]; then echo "Error: AccessDenied" >&2; exit 1; fi`, []string{"random_string.bucket"}, "", 0},
		"under a name that is not known": {[]string{"random_string.bucket"}, func(l *lab) []record.Create {
			return []record.Create{{Address: "random_string.bucket", Type: "aws_s3_bucket"}}
		}, "", []string{"random_string.bucket"}, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, "terraform", "local", "random")
			t.Setenv("AWS_ENDPOINT_URL", storetest.NewS3(t).Endpoint) // for the last look
			l.begin(time.Hour)
			dir := l.module("m", "main.tf", adoptCode)
			l.deploy(dir, "-var=directory="+l.outside())
			l.forget(dir, c.forget...)
			l.intend(c.creates(l)...)
			s := l.sweeper()
			if c.program != "" {
				s.Program = filepath.Join(l.tmp, "wrapped", "terraform")
				l.must(os.MkdirAll(filepath.Dir(s.Program), 0o700))
				l.must(os.WriteFile(s.Program, []byte("#!/bin/sh\n"+c.program+"\nexec "+l.program+" \"$@\"\n"), 0o700))
			}
			if strings.HasPrefix(name, "never begun") { // the file that was never begun must not be there
				entries := l.objects()
				for _, e := range entries {
					if e != "a" {
						l.must(os.Remove(outside(l, e)))
					}
				}
				l.forgetRandom(dir)
			}
			r, err := s.Run(t.Context())
			l.must(err)
			if !slices.Equal(findings(r), c.leaks) || (r.Verdict == pipelines.Pass) != (c.leaks == nil) {
				t.Errorf("%s, %q\n%s", r.Verdict, findings(r), said(r))
			}
			if c.judged != "" && r.Results[1].Judged[c.judged] == 0 {
				t.Errorf("nothing was %s\n%s", c.judged, said(r))
			}
			if left := l.objects(); len(left) != c.left {
				t.Errorf("%q is left\n%s", left, said(r))
			}
		})
	}
}

func (l *lab) forgetRandom(dir string) { l.forget(dir, "random_string.bucket") }
