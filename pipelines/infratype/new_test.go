package infratype

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestNewTypeHolds(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, copied(t)); err != nil {
		t.Fatal(err)
	}
	for _, module := range []string{"sns-topic", "registry", "mail-box"} {
		written, err := New{Root: dir, Module: module}.Write()
		if err != nil || len(written) != 13 {
			t.Fatalf("%v: %v", written, err)
		}
		if err := Check(os.DirFS(dir)); err != nil {
			t.Errorf("what was written does not hold: %v", err)
		}
	}
	list, err := Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	names := ""
	for _, c := range list {
		names += c.Type + " "
	}
	for _, want := range []string{"sns_topics", "registries", "mail_boxes"} {
		if !strings.Contains(names, want) {
			t.Errorf("%s is not among %s", want, names)
		}
	}
	if _, err := (New{Root: dir, Module: "sns-topic"}).Write(); !errors.Is(err, ErrArgument) {
		t.Errorf("overwritten: %v", err)
	}
	terraform, err := exec.LookPath("terraform")
	if err != nil {
		t.Skipf("SKIPPED: no terraform on PATH, so the format was NOT checked: %v", err)
	}
	cmd := exec.Command(terraform, "fmt", "-check", "-recursive", "-diff", dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("terraform fmt: %v\n%s", err, out)
	}
}

func TestNamesThatAreNoTypes(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, copied(t)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "Topic", "../up", "a/b", "sns_topic", "-x", "x-", "a b", strings.Repeat("x", 41), "sqs-queue"} {
		if _, err := (New{Root: dir, Module: name}).Write(); !errors.Is(err, ErrArgument) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(dir, Modules, "*")); len(found) != 7 {
		t.Errorf("something was written: %v", found)
	}
	if err := os.Remove(filepath.Join(dir, queue)); err != nil {
		t.Fatal(err)
	}
	if _, err := (New{Root: dir, Module: "sns-topic"}).Write(); err == nil || !strings.Contains(err.Error(), "has to hold first") {
		t.Errorf("added to what does not hold: %v", err)
	}
}

// A new type in real terraform: it can be planned as it is.
func TestNewTypeIsPlanned(t *testing.T) {
	c := newCloud(t)
	if _, err := (New{Root: c.dir, Module: "sns-topic"}).Write(); err != nil {
		t.Fatal(err)
	}
	c.must(t, IAC, "get")
	v := variables{"environment": "dvlp", "service": "shop", "owner": "team-shop", "account": account, "region": "eu-west-1", "sns_topics": variables{"main": variables{}}}
	c.write(t, IAC+"/given.auto.tfvars.json", v)
	plan, _ := c.plan(t, IAC)
	if got := changed(plan, "aws_ssm_parameter"); len(got) != 1 || got[0]["name"] != "/dvlp/shop/sns_topics/main/name" {
		t.Errorf("planned are %v", got)
	}
	c.must(t, "modules/sns-topic/example", "get")
	c.plan(t, "modules/sns-topic/example")
	c.must(t, "modules/sns-topic", "test")
}
