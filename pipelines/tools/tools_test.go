package tools

import (
	"strings"
	"testing"
)

func TestPinned(t *testing.T) {
	for name, want := range map[string]string{
		"terraform": "docker.io/hashicorp/terraform:",
		"opentofu":  "ghcr.io/opentofu/opentofu:",
		"tflint":    "ghcr.io/terraform-linters/tflint:v",
		"golang":    "docker.io/library/golang:",
	} {
		tool, err := Pinned(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(tool.Ref(), want) {
			t.Errorf("%s is pulled as %q, want %q...", name, tool.Ref(), want)
		}
	}
	if _, err := Pinned("nothing"); err == nil {
		t.Error("a tool that is not there was found")
	}
}

func TestRef(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	got := Tool{Image: "ghcr.io/a/b", Version: "1.2.3", Digest: digest}.Ref()
	if want := "ghcr.io/a/b:1.2.3@" + digest; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseIsStrict(t *testing.T) {
	tool := func(fields string) string {
		return `{"schema": "penstock.tools/v1", "tools": [{` + fields + `}]}`
	}
	good := tool(`"name": "a", "image": "ghcr.io/x/a", "version": "v1", "digest": ""`)
	if all, err := Parse([]byte(good)); err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	for content, want := range map[string]string{
		"":         "EOF",
		good[:20]:  "unexpected EOF",
		good + "1": "something follows",
		`{"schema": "penstock.tools/v2", "tools": []}`:                                                    `schema "penstock.tools/v2"`,
		tool(`"name": "a", "image": "ghcr.io/x/a", "version": "1", "digest": "", "sha": ""`):              "unknown field",
		tool(`"name": "A", "image": "ghcr.io/x/a", "version": "1", "digest": ""`):                         "a name is",
		tool(`"name": "a", "image": "https://ghcr.io/x/a", "version": "1", "digest": ""`):                 "image",
		tool(`"name": "a", "image": "x/a", "version": "1", "digest": ""`):                                 "image",
		tool(`"name": "a", "image": "ghcr.io/x/a:1", "version": "1", "digest": ""`):                       "image",
		tool(`"name": "a", "image": "ghcr.io/x/a", "version": "latest", "digest": ""`):                    "pin",
		tool(`"name": "a", "image": "ghcr.io/x/a", "version": "", "digest": ""`):                          "pin",
		tool(`"name": "a", "image": "ghcr.io/x/a", "version": "1", "digest": "sha256:abc"`):               "digest",
		strings.Replace(good, "[{", `[{"name":"a","image":"ghcr.io/x/a","version":"1","digest":""},{`, 1): "twice",
	} {
		if _, err := Parse([]byte(content)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", content, err, want)
		}
	}
}
