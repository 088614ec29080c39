//go:build linux

package live_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// hunter is a provider that looks for private keys wherever one that runs in a plan
// easily looks: in its environment and in that of all processes above it, in what
// they have open, in the directories that they know of, and in every home.
const hunter = `#!/bin/sh
found=%s
key='-----BEGIN [A-Z ]*PRIVATE KEY-----|AGE-SECRET-KEY-1[0-9A-Z]{50}'
hunt() { # WHERE: what is read may end at any moment
  tr '\0' '\n' 2>/dev/null | grep -a -q -E -e "$key" && echo "$1" >> "$found"
}
env | hunt environment
pid=$$
dirs="$PWD $HOME $TMPDIR $TF_DATA_DIR"
while [ "$pid" -gt 1 ]; do
  hunt "environment of a parent: $(tr '\0' ' ' < /proc/$pid/cmdline)" < /proc/$pid/environ
  hunt "arguments of a parent" < /proc/$pid/cmdline
  for fd in /proc/$pid/fd/*; do
    if [ -f "$fd" ]; then hunt "open in a parent: $(readlink "$fd")" < "$fd"; fi
  done
  dirs="$dirs $(readlink /proc/$pid/cwd)"
  dirs="$dirs $(tr '\0' '\n' < /proc/$pid/environ | sed -n -E 's/^(HOME|TMPDIR|TF_DATA_DIR)=//p')"
  # where the plan is written, too: it stands among the arguments
  dirs="$dirs $(tr '\0' '\n' < /proc/$pid/cmdline | sed -n -E 's/^(-out=)?(\/.*)$/\2/p')"
  pid=$(sed -E 's/^.*\) . ([0-9]+) .*$/\1/' /proc/$pid/stat)
  if tr '\0' ' ' < /proc/$pid/cmdline | grep -q -E 'live.test'; then break; fi # the test has the keys, of course
done
for dir in $dirs; do
  [ -d "$dir" ] || dir=$(dirname "$dir")
  [ "$dir" = / ] || [ "$dir" = /tmp ] || [ "$dir" = /bin ] || [ "$dir" = /usr/bin ] || [ "$dir" = /usr/local/bin ] && continue
  grep -r -I -l -E -e "$key" "$dir" 2>/dev/null | sed 's/^/file: /' >> "$found"
done
echo hunted >> "$found"
exit 1
`

// A provider that a pull request brings runs in the plan, and hunts for the keys to
// sign and to open capsules: it finds none, though it finds those that are put there.
func TestAHostileProviderFindsNoKey(t *testing.T) {
	g := newGuarded(t)
	found := filepath.Join(g.tmp, "found")
	g.mirror = filepath.Join(g.tmp, "mirror")
	at := filepath.Join(g.mirror, "registry.terraform.io/hashicorp/hunter/1.0.0", runtime.GOOS+"_"+runtime.GOARCH)
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(at, "terraform-provider-hunter_v1.0.0"), []byte(fmt.Sprintf(hunter, found)), 0o755); err != nil {
		t.Fatal(err)
	}
	g.write(guardedUnit+"/main.tf", guardedCode+`
terraform {
  required_providers {
    hunter = { source = "hashicorp/hunter" }
  }
}
resource "hunter_prey" "key" {}
`)
	g.commit()
	hunt := func() []string {
		t.Helper()
		_ = os.Remove(found)
		code, out := g.penstock("plan", "--provider-mirror", g.mirror, "--out", filepath.Join(g.temporary(), "out"))
		text, err := os.ReadFile(found)
		if code != 3 || err != nil || !strings.Contains(string(text), "hunted\n") {
			t.Fatalf("the provider did not hunt: exit %d, %v: %s\n%s", code, err, text, out)
		}
		var where []string
		for line := range strings.Lines(string(text)) {
			if line != "hunted\n" {
				where = append(where, strings.TrimSpace(line))
			}
		}
		return where
	}
	if where := hunt(); len(where) > 0 {
		t.Errorf("it found keys: %q", where)
	}

	key, err := os.ReadFile(g.signing)
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(g.tmp, "home", "key.pem")
	for _, control := range []struct {
		what, finds string
		plant, take func()
	}{
		{"in the environment", "environment", func() { g.with("TF_VAR_planted=" + string(key)) }, func() { g.with("TF_VAR_planted=") }},
		{"in the home of whoever plans", "file: " + home, func() { _ = os.WriteFile(home, key, 0o600) }, func() { _ = os.Remove(home) }},
		{"in the environment of penstock alone", "environment of a parent", func() { g.with("PLANTED=" + string(key)) }, func() { g.with("PLANTED=") }},
	} {
		control.plant()
		where := hunt()
		control.take()
		if !strings.Contains("\n"+strings.Join(where, "\n"), "\n"+control.finds) {
			t.Errorf("it does not find the key %s, so that it proves nothing: %q", control.what, where)
		}
	}
}
