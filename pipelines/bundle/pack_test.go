package bundle

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdxlib"

	"github.com/penstock-dev/penstock/pipelines"
)

// The digest of a known content, wherever it is packed: another compressor, machine
// or toolchain that changed it would change that of every version.
func TestDigestIsTheSameOnEveryMachine(t *testing.T) {
	c := newContent()
	m := Manifest{Schema: Schema, Version: "1.2.0", Commit: strings.Repeat("c0ffee42", 5), Created: time.Unix(1_772_359_200, 0).UTC(), Charts: []Chart{}, InfraTypes: []InfraType{}}
	for name, text := range sources {
		if err := c.add(name, []byte(strings.Repeat(text, 50)), strings.HasSuffix(name, ".sh")); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if m.Files, err = c.list(); err != nil {
		t.Fatal(err)
	}
	text, err := encode(m)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := write(text, m, c.files)
	if err != nil {
		t.Fatal(err)
	}
	const want = "sha256:ee5d31a0a28265fc9aaa782ef09221e3362101fdaa60117c4f14159773bf1097"
	if got := digestOf(archive); got != want {
		t.Errorf("the digest is %s, on other machines it is %s", got, want)
	}
}

func TestPackedFromACommit(t *testing.T) {
	dir := repository(t, with(sources, map[string]string{
		"terraform/service-iac/.terraform.lock.hcl":               "# pinned\n",
		"terraform/modules/sqs-queue/.terraform.lock.hcl":         "# left by a test\n",
		"terraform/modules/sqs-queue/.terraform/modules.json":     "{}\n",
		"terraform/modules/sqs-queue/tests/terraform.tfstate":     "{\"secret\": 1}\n",
		"terraform/modules/sqs-queue/terraform.tfstate.17.backup": "{}\n",
	}))
	key, _ := newKey(t)
	p, err := Pack{Dir: filepath.Join(dir, "bundle"), Version: "1.2.0", Key: key}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range p.Manifest.Files {
		if !strings.HasPrefix(f.Path, "policies/") {
			names = append(names, f.Path)
		}
		if want := map[bool]string{true: modeExec, false: modeFile}[strings.HasSuffix(f.Path, ".sh")]; f.Mode != want {
			t.Errorf("%s has the mode %s", f.Path, f.Mode)
		}
	}
	if len(names) != len(sources)+1 || !slices.Contains(names, "terraform/service-iac/.terraform.lock.hcl") {
		t.Errorf("packed %q", names)
	}
	if len(p.Left) != 4 || len(p.Manifest.Files) < len(names)+30 {
		t.Errorf("left out %q; %d files in all", p.Left, len(p.Manifest.Files))
	}
	m := p.Manifest
	if len(m.Charts) != 1 || m.Charts[0] != (Chart{"http-service", "0.3.0", "charts/http-service"}) || len(m.InfraTypes) != 1 ||
		m.InfraTypes[0] != (InfraType{"sqs_queues", "sqs-queue"}) || !m.Created.Equal(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("the manifest says %v, %v, %v", m.Charts, m.InfraTypes, m.Created)
	}
	// What is on disk and not in the commit, changed or not, is refused; leftovers are nobody's business.
	put(t, filepath.Join(dir, "bundle/terraform/service-iac/.terraform/x"), "cache")
	put(t, filepath.Join(dir, "outside.tf"), "not packed")
	if _, err := (Pack{Dir: filepath.Join(dir, "bundle"), Version: "1.2.0"}).Run(t.Context()); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"bundle/README.md", "bundle/terraform/new.tf"} {
		put(t, filepath.Join(dir, name), "changed")
		_, err := Pack{Dir: filepath.Join(dir, "bundle"), Version: "1.2.0"}.Run(t.Context())
		if !errors.Is(err, ErrContent) || !strings.Contains(err.Error(), filepath.Base(name)) {
			t.Errorf("with %s changed: %v", name, err)
		}
		run(t, dir, "git", "checkout", "-q", "--", ".")
		run(t, dir, "git", "clean", "-qfd", ".")
	}
	if err := os.Remove(filepath.Join(dir, "bundle/README.md")); err != nil {
		t.Fatal(err)
	}
	if _, err := (Pack{Dir: filepath.Join(dir, "bundle"), Version: "1.2.0"}).Run(t.Context()); !errors.Is(err, ErrContent) {
		t.Errorf("with a file removed: %v", err)
	}
}

// What is judged is the terraform/ of the commit; what the judge refuses is not packed.
func TestTheCheckDecides(t *testing.T) {
	dir := repository(t, sources)
	seen := ""
	p := Pack{Dir: filepath.Join(dir, "bundle"), Version: "1.2.0", Check: func(terraform fs.FS) error {
		text, err := fs.ReadFile(terraform, "modules/sqs-queue/contract.yaml")
		seen = string(text)
		return err
	}}
	if _, err := p.Run(t.Context()); err != nil || seen != sources["terraform/modules/sqs-queue/contract.yaml"] {
		t.Errorf("saw %q, %v", seen, err)
	}
	p.Check = func(fs.FS) error {
		return errors.Join(errors.New("one"), &pipelines.Error{Err: errors.New("no contract"), Hint: "write one"})
	}
	_, err := p.Run(t.Context())
	var known *pipelines.Error
	if !errors.Is(err, ErrContent) || !strings.Contains(err.Error(), "no contract") || !errors.As(err, &known) || known.Hint != "write one" {
		t.Errorf("%v", err)
	}
}

func TestContentThatCannotBeBundled(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"two names that differ in case":     {map[string]string{"charts/A": "", "charts/a": ""}, "differ in case"},
		"directories that differ in case":   {map[string]string{"Terraform/x": ""}, "differ in case"},
		"letters beyond ASCII":              {map[string]string{"charts/caf\u00e9": ""}, "ASCII"},
		"a device of Windows":               {map[string]string{"charts/Aux.yaml": ""}, "device"},
		"a space":                           {map[string]string{"charts/a b": ""}, "ASCII"},
		"a name too long":                   {map[string]string{"charts/" + strings.Repeat("a", 101): ""}, "100 bytes"},
		"policies of its own":               {map[string]string{"policies/x.rego": ""}, "embeds"},
		"the manifest's name":               {map[string]string{"manifest.json": ""}, "writes that file itself"},
		"a chart without Chart.yaml":        {map[string]string{"charts/other/values.yaml": ""}, "Chart.yaml"},
		"a chart with another name":         {map[string]string{"charts/other/Chart.yaml": "name: some\nversion: 1.0.0\n"}, "name is the directory's"},
		"a chart without a version":         {map[string]string{"charts/other/Chart.yaml": "name: other\n"}, "semantic"},
		"a contract of another module":      {map[string]string{"terraform/modules/x/contract.yaml": "type: x\nmodule: y\n"}, "directory's name"},
		"a type of two modules":             {map[string]string{"terraform/modules/x/contract.yaml": "type: sqs_queues\nmodule: x\n"}, "is that of"},
		"a contract that is no YAML":        {map[string]string{"terraform/modules/x/contract.yaml": "type: [\n"}, "YAML"},
		"Terraform that cannot be read":     {map[string]string{"terraform/bad/main.tf": "resource {\n"}, "reading the configuration"},
		"a pointer of Git LFS in its place": {map[string]string{"charts/x.tgz": "version https://git-lfs.github.com/spec/v1\noid"}, "LFS"},
	} {
		_, err := Source(t.Context(), mapFS(with(sources, test.files)))
		if err == nil {
			c, _ := fromFS(t.Context(), mapFS(with(sources, test.files)))
			_, err = pack(c, Manifest{Version: "1.0.0", Commit: strings.Repeat("a", 40), Created: time.Unix(0, 0).UTC()}, nil)
		}
		if !errors.Is(err, ErrContent) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, missing := range []string{"charts/", "terraform/"} {
		files := mapFS(sources)
		for name := range sources {
			if strings.HasPrefix(name, missing) {
				delete(files, name)
			}
		}
		if _, err := Source(t.Context(), files); !errors.Is(err, ErrContent) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	dir := t.TempDir()
	for name, text := range sources {
		put(t, filepath.Join(dir, name), text)
	}
	if _, err := Open(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("platform.yaml", filepath.Join(dir, "charts/link.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir); !errors.Is(err, ErrContent) {
		t.Errorf("a link: %v", err)
	}
}

func mapFS(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return fsys
}

func TestVersions(t *testing.T) {
	for text, want := range map[string]string{"1.4.0": "1.4.0", "v1.4.0": "1.4.0", "bundle-v1.4.0": "1.4.0", "refs/tags/bundle-v1.4.0-rc.1": "1.4.0-rc.1",
		"": "", "1.4": "", "1.4.0+build": "", "01.4.0": "", "latest": "", "1.4.0/../2": "", "../1.4.0 ": "", "sha256-aa": ""} {
		got, err := ParseVersion(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}

func TestSBOM(t *testing.T) {
	p := packed(t, "1.2.0", nil, sources)
	doc, err := spdxjson.Read(bytes.NewReader(p.SBOM))
	if err != nil {
		t.Fatal(err)
	}
	if err := spdxlib.ValidateDocument(doc); err != nil {
		t.Error(err)
	}
	var names []string
	for _, part := range doc.Packages {
		names = append(names, part.PackageName+" "+part.PackageVersion)
	}
	if want := []string{"penstock-bundle 1.2.0", "http-service 0.3.0", "hashicorp/aws ~> 6.0"}; !slices.Equal(names, want) {
		t.Errorf("packages %q, want %q", names, want)
	}
	if got := doc.Packages[0].PackageChecksums[0].Value; "sha256:"+got != p.Statement.Digest || doc.CreationInfo.Created != "2026-03-01T10:00:00Z" {
		t.Errorf("it is of %s, made at %s", got, doc.CreationInfo.Created)
	}
	var files []string
	for _, f := range p.Manifest.Files {
		files = append(files, "./"+f.Path)
	}
	var listed []string
	for _, f := range doc.Files {
		listed = append(listed, f.FileName)
	}
	slices.Sort(listed)
	slices.Sort(files)
	if !slices.Equal(files, listed) {
		t.Errorf("%d files of %d", len(listed), len(files))
	}
	if again := packed(t, "1.2.0", nil, sources); !bytes.Equal(again.SBOM, p.SBOM) || !bytes.Equal(again.Archive, p.Archive) {
		t.Error("packed again it is another")
	}
}

func TestWorkingCopy(t *testing.T) {
	b, err := Source(t.Context(), mapFS(sources))
	if err != nil {
		t.Fatal(err)
	}
	changed, err := Source(t.Context(), mapFS(with(sources, map[string]string{"README.md": "other"})))
	if err != nil {
		t.Fatal(err)
	}
	if b.Version != DevVersion || !digestForm.MatchString(b.Digest) || b.Digest == changed.Digest {
		t.Errorf("version %q, digests %s and %s", b.Version, b.Digest, changed.Digest)
	}
	if err := fstest.TestFS(b.FS(), "terraform/service-iac/main.tf", "charts/platform.yaml", "policies/encryption/efs/efs.rego"); err != nil {
		t.Error(err)
	}
}
