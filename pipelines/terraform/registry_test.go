package terraform

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/openpgp" //nolint:staticcheck // frozen, but what a provider registry signs with
	"golang.org/x/crypto/openpgp/armor"

	"github.com/penstock-dev/penstock/pipelines"
)

// registry is a provider registry on loopback that serves the providers of the
// test mirror, signed, and counts what is asked of it.
type registry struct {
	*httptest.Server
	mirror   string
	entity   *openpgp.Entity
	tampered bool

	mu        sync.Mutex
	requests  int
	downloads map[string]int
}

func newRegistry(t *testing.T) *registry {
	t.Helper()
	entity, err := openpgp.NewEntity("test", "", "test@example.invalid", nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &registry{mirror: testMirror(t), entity: entity, downloads: map[string]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{ns}/{name}/versions", r.versions)
	mux.HandleFunc("GET /{ns}/{name}/{version}/download/{os}/{arch}", r.download)
	mux.HandleFunc("GET /files/{name}/{version}/{platform}/{file}", r.file)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		r.requests++
		r.mu.Unlock()
		mux.ServeHTTP(w, q)
	}))
	t.Cleanup(r.Close)
	return r
}

// config makes terraform take this registry for the public one.
func (r *registry) config() string {
	return fmt.Sprintf("host \"registry.terraform.io\" {\n  services = {\n    \"providers.v1\" = \"%s/\"\n  }\n}\n", r.URL)
}

func (r *registry) versions(w http.ResponseWriter, q *http.Request) {
	dirs, _ := filepath.Glob(filepath.Join(r.mirror, "registry.terraform.io/hashicorp", q.PathValue("name"), "*", "*"))
	if q.PathValue("ns") == "evil" { // the same program under another name
		dirs, _ = filepath.Glob(filepath.Join(r.mirror, "registry.terraform.io/hashicorp/random/*/*"))
	}
	if len(dirs) == 0 {
		http.NotFound(w, q)
		return
	}
	os, arch, _ := strings.Cut(filepath.Base(dirs[0]), "_")
	_ = json.NewEncoder(w).Encode(map[string]any{"versions": []any{map[string]any{
		"version": filepath.Base(filepath.Dir(dirs[0])), "protocols": []string{"5.0"},
		"platforms": []any{map[string]string{"os": os, "arch": arch}},
	}}})
}

func (r *registry) download(w http.ResponseWriter, q *http.Request) {
	name, version, platform := q.PathValue("name"), q.PathValue("version"), q.PathValue("os")+"_"+q.PathValue("arch")
	archive := r.archive(name, version, platform)
	base := r.URL + "/files/" + name + "/" + version + "/" + platform + "/"
	var key bytes.Buffer
	armored, _ := armor.Encode(&key, openpgp.PublicKeyType, nil)
	_ = r.entity.Serialize(armored)
	_ = armored.Close()
	_ = json.NewEncoder(w).Encode(map[string]any{
		"protocols": []string{"5.0"}, "os": q.PathValue("os"), "arch": q.PathValue("arch"), "filename": fileName(name, version, platform),
		"download_url": base + "zip", "shasums_url": base + "sums", "shasums_signature_url": base + "sig",
		"shasum": fmt.Sprintf("%x", sha256.Sum256(archive)),
		"signing_keys": map[string]any{"gpg_public_keys": []any{map[string]string{
			"key_id": r.entity.PrimaryKey.KeyIdString(), "ascii_armor": key.String()}}},
	})
}

func (r *registry) file(w http.ResponseWriter, q *http.Request) {
	name, version, platform := q.PathValue("name"), q.PathValue("version"), q.PathValue("platform")
	archive := r.archive(name, version, platform)
	sums := fmt.Appendf(nil, "%x  %s\n", sha256.Sum256(archive), fileName(name, version, platform))
	switch q.PathValue("file") {
	case "zip":
		if q.Method == http.MethodHead {
			return
		}
		r.mu.Lock()
		r.downloads[name]++
		r.mu.Unlock()
		if r.tampered {
			archive = append([]byte{}, archive...)
			archive[len(archive)/2] ^= 1
		}
		_, _ = w.Write(archive)
	case "sums":
		_, _ = w.Write(sums)
	case "sig":
		_ = openpgp.DetachSign(w, r.entity, bytes.NewReader(sums), nil)
	}
}

func fileName(name, version, platform string) string {
	return "terraform-provider-" + name + "_" + version + "_" + platform + ".zip"
}

var archives sync.Map

func (r *registry) archive(name, version, platform string) []byte {
	if known, ok := archives.Load(name); ok {
		return known.([]byte)
	}
	file := "terraform-provider-" + name + "_v" + version
	content, _ := os.ReadFile(filepath.Join(r.mirror, "registry.terraform.io/hashicorp", name, version, platform, file))
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: file, Method: zip.Store}
	h.SetMode(0o755)
	w, _ := z.CreateHeader(h)
	_, _ = w.Write(content)
	_ = z.Close()
	archives.Store(name, b.Bytes())
	return b.Bytes()
}

// TestValidateFetchesEachProviderOnce: units side by side that need the same
// providers, from an empty cache, and then once more without the registry.
func TestValidateFetchesEachProviderOnce(t *testing.T) {
	needTerraform(t)
	r := newRegistry(t)
	files := map[string]string{}
	var units []string
	for i := range 8 {
		unit := fmt.Sprintf("u%d", i)
		units = append(units, unit)
		files[unit+"/main.tf"] = "resource \"random_pet\" \"this\" {}\n"
		if i%2 == 0 {
			files[unit+"/main.tf"] += "\nresource \"time_static\" \"this\" {}\n"
		}
	}
	v := Validate{Scope: scope(tree(t, files), units...), Cache: t.TempDir(), registry: r.config()}
	v.Slots = make(chan struct{}, 4)
	for round := range 2 {
		report := validate(t, v)
		if report.Verdict != pipelines.Pass {
			t.Fatalf("round %d: %+v", round, report.Results)
		}
		if r.downloads["random"] != 1 || r.downloads["time"] != 1 {
			t.Errorf("round %d: downloads %v, want each once", round, r.downloads)
		}
	}
	before := r.requests
	validate(t, v)
	if r.requests != before {
		t.Errorf("%d requests to the registry although everything is there", r.requests-before)
	}
	left, _ := filepath.Glob(filepath.Join(v.Cache, "new-*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestValidateFetchesOnlyWhatIsAllowed: a provider that a pull request brings is
// neither fetched nor run; what the base uses is, and what was allowed by name.
func TestValidateFetchesOnlyWhatIsAllowed(t *testing.T) {
	needTerraform(t)
	const uses = "terraform {\n  required_providers {\n    random = {\n      source                = \"evil/random\"\n      configuration_aliases = [random.other]\n    }\n  }\n}\n"
	dir := tree(t, map[string]string{"unit/main.tf": uses})
	for name, c := range map[string]struct {
		base  map[string]string
		allow []string
		want  int
	}{
		"new in the pull request": {map[string]string{"unit/main.tf": "\n"}, nil, 0},
		"in use on the base":      {map[string]string{"other/x.tf": uses}, nil, 1},
		"allowed by name":         {map[string]string{}, []string{"registry.terraform.io/evil/random"}, 1},
		"others are allowed":      {map[string]string{"other/x.tf": uses}, []string{"registry.terraform.io/hashicorp/*"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRegistry(t)
			v := Validate{Scope: scope(dir, "unit"), Cache: t.TempDir(), Allow: c.allow, registry: r.config()}
			v.Base = os.DirFS(tree(t, c.base))
			got := validate(t, v).Results[0]
			if r.downloads["random"] != c.want {
				t.Errorf("fetched %d times, want %d: %+v", r.downloads["random"], c.want, got)
			}
			if c.want == 0 && (got.Verdict != pipelines.NotRun || !strings.Contains(got.Hint, "--allow-provider")) {
				t.Errorf("got %+v, want not run with the way to allow it", got)
			}
		})
	}
}

func TestValidateRefusesATamperedProvider(t *testing.T) {
	needTerraform(t)
	r := newRegistry(t)
	r.tampered = true
	dir := tree(t, map[string]string{"unit/main.tf": "resource \"random_pet\" \"this\" {}\n"})
	v := Validate{Scope: scope(dir, "unit"), Cache: t.TempDir(), registry: r.config()}
	got := validate(t, v).Results[0]
	if got.Verdict != pipelines.NotRun || !strings.Contains(got.Reason, "checksum") {
		t.Errorf("got %+v", got)
	}
	if kept, _ := filepath.Glob(filepath.Join(v.Cache, "kept", "providers", "*")); len(kept) != 0 {
		t.Errorf("kept: %v", kept)
	}
}

func TestValidateWithoutARegistry(t *testing.T) {
	needTerraform(t)
	r := newRegistry(t)
	r.Close()
	dir := tree(t, map[string]string{"a/main.tf": "resource \"random_pet\" \"this\" {}\n", "b/main.tf": "resource \"time_static\" \"this\" {}\n"})
	for _, got := range validate(t, Validate{Scope: scope(dir, "a", "b"), Cache: t.TempDir(), registry: r.config()}).Results {
		if got.Verdict != pipelines.NotRun || !strings.Contains(got.Reason, "connect") || !strings.Contains(got.Hint, "--provider-mirror") {
			t.Errorf("got %+v", got)
		}
	}
}
