package image

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

func TestTheSameBinariesGiveTheSameDigest(t *testing.T) {
	first, again := built(t, nil), built(t, nil)
	if first.Digest != again.Digest || strings.Join(first.Referrers, " ") != strings.Join(again.Referrers, " ") {
		t.Errorf("%+v and %+v", first, again)
	}
	other := built(t, func(b *Build) { b.Labels.Version = "9" })
	if other.Digest == first.Digest {
		t.Error("another version has the same digest")
	}
}

// The image as a runtime reads it.
func TestWhatIsInTheImage(t *testing.T) {
	b := built(t, nil)
	c, err := readLayout(b.Layout)
	if err != nil {
		t.Fatal(err)
	}
	images, _, err := platforms(c.root)
	if err != nil || len(images) != 2 || images[0].platform.String() != "linux/amd64" || images[1].platform.String() != "linux/arm64" {
		t.Fatalf("got %+v, %v", images, err)
	}
	for _, p := range images {
		file, err := p.image.ConfigFile()
		if err != nil || file.Config.User != "65532:65532" || file.Config.Entrypoint[0] != "/orders" || !file.Created.Equal(labels.Created) {
			t.Errorf("the configuration is %+v, %v", file, err)
		}
		m, err := p.image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for key, want := range map[string]string{revisionLabel: labels.Revision, versionLabel: "1.2.3", sourceLabel: "https://example.com/acme/orders", createdLabel: "2026-11-01T12:00:00Z"} {
			if file.Config.Labels[key] != want || m.Annotations[key] != want {
				t.Errorf("%s is %q and %q, want %q", key, file.Config.Labels[key], m.Annotations[key], want)
			}
		}
	}
	everything, err := os.ReadDir(filepath.Join(b.Layout, "blobs", "sha256"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range everything {
		if text, err := os.ReadFile(filepath.Join(b.Layout, "blobs", "sha256", e.Name())); err != nil || bytes.Contains(text, []byte("s3cret")) {
			t.Errorf("%s holds the token of the remote, or %v", e.Name(), err)
		}
	}
	out, err := os.ReadFile(filepath.Join(b.Layout, "oci-layout"))
	if err != nil || !strings.Contains(string(out), `"1.0.0"`) {
		t.Errorf("%s, %v", out, err)
	}
}

func TestSBOMAndProvenance(t *testing.T) {
	key, signers := keyed(t)
	for _, signed := range []bool{false, true} {
		b := built(t, func(b *Build) {
			if signed {
				b.Key = key
			}
		})
		c, err := readLayout(b.Layout)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		for _, r := range c.referrers {
			var w written
			raw, _ := r.RawManifest()
			if err := json.Unmarshal(raw, &w); err != nil {
				t.Fatal(err)
			}
			layers, err := r.(v1.Image).Layers()
			if err != nil {
				t.Fatal(err)
			}
			text, err := blob(layers[0], 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			seen[w.ArtifactType]++
			switch w.ArtifactType {
			case string(spdxType):
				var doc spdx
				if err := strict(text, &doc); err != nil || doc.Version != "SPDX-2.3" || len(doc.Packages) < 2 || doc.Packages[1].Name != "stdlib" {
					t.Errorf("the SBOM is %s, %v", text, err)
				}
			case string(envelopeType):
				var e envelope
				if err := strict(text, &e); err != nil {
					t.Fatal(err)
				}
				payload, _ := strict64(e.Payload)
				if name, err := e.signedBy(payload, signers); err != nil || name != "pipeline" {
					t.Errorf("signed by %q, %v", name, err)
				}
				text = payload
				fallthrough
			default:
				var s statement[provenancePredicate]
				if err := strict(text, &s); err != nil || len(s.Subject) != 3 || "sha256:"+s.Subject[0].Digest["sha256"] != b.Digest ||
					s.Predicate.BuildDefinition.ResolvedDependencies[0].URI != "git+https://example.com/acme/orders" {
					t.Errorf("the provenance is %s, %v", text, err)
				}
			}
		}
		if want := map[bool]types.MediaType{false: statementType, true: envelopeType}[signed]; seen[string(spdxType)] != 2 || seen[string(want)] != 1 || len(seen) != 2 {
			t.Errorf("signed %v: %v", signed, seen)
		}
	}
}

func TestBinariesThatDoNotRunAreRefused(t *testing.T) {
	files, err := binaries()
	if err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for platform, file := range map[string]string{"linux/arm64": files["linux/amd64"], "linux/amd64": text, "windows/amd64": files["linux/amd64"], "linux": files["linux/amd64"],
		"linux/arm64/v8": filepath.Join(t.TempDir(), "absent"), "linux/386": "/bin/sh"} {
		if _, err := (Build{Out: filepath.Join(t.TempDir(), "l"), Binaries: map[string]string{platform: file}}).Run(t.Context()); err == nil {
			t.Errorf("%s of %s was taken", file, platform)
		}
	}
	if sh, err := exec.LookPath("git"); err == nil { // which is linked dynamically
		if _, err := (Build{Out: filepath.Join(t.TempDir(), "l"), Binaries: map[string]string{"linux/amd64": sh}}).Run(t.Context()); err == nil || !strings.Contains(err.Error(), "dynamic linker") && !strings.Contains(err.Error(), "built for") {
			t.Errorf("a binary with a dynamic linker: %v", err)
		}
	}
}

// engineLayout is a layout as a builder leaves it: Docker's media types or the OCI's, a
// distribution's packages, and an attestation of its own.
func engineLayout(t *testing.T, single bool) string {
	t.Helper()
	files := map[string]string{
		"var/lib/dpkg/status":  "Package: openssl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.1-1\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n",
		"lib/apk/db/installed": "P:musl\nV:1.2.5-r0\nA:x86_64\n\n",
		"bin/tool":             "#!/bin/sh\n",
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range []string{"bin/tool", "lib/apk/db/installed", "var/lib/dpkg/status"} {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(files[name])), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte(files[name]))
	}
	_ = w.Close()
	layer, err := tarball.LayerFromReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	image := func(arch string) v1.Image {
		one, err := mutate.AppendLayers(empty.Image, layer)
		if err != nil {
			t.Fatal(err)
		}
		file, _ := one.ConfigFile()
		file = file.DeepCopy()
		file.OS, file.Architecture, file.Config.Labels, file.Config.Cmd = "linux", arch, map[string]string{"squad": "shop"}, []string{"/bin/tool"}
		one, err = mutate.ConfigFile(one, file)
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	top := v1.ImageIndex(empty.Index)
	if single {
		top = mutate.AppendManifests(top, mutate.IndexAddendum{Add: image("amd64")})
	} else {
		index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex), mutate.IndexAddendum{Add: image("amd64")}, mutate.IndexAddendum{Add: image("arm64")},
			mutate.IndexAddendum{Add: image("unknown"), Descriptor: v1.Descriptor{Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}, Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}})
		top = mutate.AppendManifests(top, mutate.IndexAddendum{Add: index})
	}
	dir := t.TempDir()
	if _, err := layout.Write(dir, top); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestFromALayoutOfAnotherBuilder(t *testing.T) {
	for _, single := range []bool{true, false} {
		dir := engineLayout(t, single)
		file := filepath.Join(t.TempDir(), "image.tar")
		if said, err := exec.Command("tar", "-cf", file, "-C", dir, ".").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		var digests []string
		for _, from := range []string{dir, file} {
			got, err := Build{Out: filepath.Join(t.TempDir(), "out"), FromLayout: from, Labels: labels}.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			want := 2
			if single {
				want = 1
			}
			if len(got.Platforms) != want || got.Platforms[0].Packages != 2 || (len(got.Notes) == 1) == single {
				t.Errorf("got %+v", got)
			}
			digests = append(digests, got.Digest)
			c, err := readLayout(got.Layout)
			if err != nil {
				t.Fatal(err)
			}
			images, _, _ := platforms(c.root)
			if config, err := images[0].image.ConfigFile(); err != nil || config.Config.Labels["squad"] != "shop" || config.Config.Labels[versionLabel] != "1.2.3" || config.Config.Cmd[0] != "/bin/tool" {
				t.Errorf("the configuration is %+v, %v", config, err)
			}
			r := serve(t, true)
			if _, err := (Push{Registry: quick, Layout: got.Layout, Repository: r.host + "/acme/orders"}).Run(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if digests[0] != digests[1] {
			t.Errorf("a directory gives %s and a tar %s", digests[0], digests[1])
		}
	}
}

func TestALayoutThatIsNoneIsRefused(t *testing.T) {
	write := func(entries ...tar.Header) string {
		file := filepath.Join(t.TempDir(), "x.tar")
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for _, h := range entries {
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(make([]byte, h.Size))
		}
		_ = w.Close()
		if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	hex := strings.Repeat("a", 64)
	truncated := write(tar.Header{Name: "blobs/sha256/" + hex, Size: 5000, Typeflag: tar.TypeReg})
	cut(t, truncated)
	if err := os.Truncate(truncated, 700); err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"empty tar":         write(),
		"absent":            filepath.Join(t.TempDir(), "x"),
		"empty directory":   t.TempDir(),
		"cut short":         truncated,
		"climbs out":        write(tar.Header{Name: "../../evil", Size: 3, Typeflag: tar.TypeReg}, tar.Header{Name: "blobs/sha256/../../../evil", Size: 3, Typeflag: tar.TypeReg}),
		"a link for a blob": write(tar.Header{Name: "blobs/sha256/" + hex, Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}),
		"nothing but zeros": write(tar.Header{Name: "oci-layout", Size: 9, Typeflag: tar.TypeReg}, tar.Header{Name: "index.json", Size: 9, Typeflag: tar.TypeReg}),
	}
	for name, from := range cases {
		out := filepath.Join(t.TempDir(), "out")
		if _, err := (Build{Out: out, FromLayout: from}).Run(t.Context()); err == nil {
			t.Errorf("%s: it was taken", name)
		}
		if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: something was written: %v", name, err)
		}
	}
}

func TestALayoutIsNotWrittenOver(t *testing.T) {
	b := built(t, nil)
	files, _ := binaries()
	if _, err := (Build{Out: b.Layout, Binaries: files}).Run(t.Context()); !errors.Is(err, ErrRefused) {
		t.Errorf("got %v", err)
	}
}

func TestPlainURL(t *testing.T) {
	for given, want := range map[string]string{
		"https://user:token@example.com/a/b.git":   "https://example.com/a/b",
		"https://x-access-token:t@example.com/a/b": "https://example.com/a/b",
		"git@example.com:a/b.git":                  "https://example.com/a/b",
		"ssh://git@example.com:22/a/b.git":         "ssh://example.com:22/a/b",
		"https://example.com/a/b?token=t#x":        "https://example.com/a/b",
		"":                                         "",
		"https://%zz":                              "",
	} {
		if got := PlainURL(given); got != want {
			t.Errorf("%s: %q, want %q", given, got, want)
		}
	}
	if _, err := (Build{Labels: Labels{Revision: "main"}}).Run(t.Context()); err == nil || !strings.Contains(fmt.Sprint(err), "full hash") {
		t.Errorf("a revision that is none: %v", err)
	}
}
