package live_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/internal/storetest"
	"github.com/penstock-dev/penstock/pipelines/ledger"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// The unit that is killed: objects that are made one stage after the other, so that
// there is something outside of the state at every moment. An object's name holds
// its content, so that one that is lost stays where it was.
const (
	killUnit   = "live/dvlp/app"
	killTarget = "dvlp/live/dvlp/app"
	killState  = "dvlp/live/dvlp/app.tfstate"

	killCode = `terraform {
  required_providers {
    local = { source = "hashicorp/local" }
    time  = { source = "hashicorp/time" }
  }
}
variable "first" {
  type = map(string)
}
variable "second" {
  type = map(string)
}
variable "directory" {
  type = string
}
resource "time_sleep" "one" {
  create_duration = "250ms"
  triggers        = merge(var.first, var.second)
}
resource "local_file" "first" {
  for_each   = var.first
  filename   = "${var.directory}/${each.key}-${each.value}"
  content    = each.value
  depends_on = [time_sleep.one]
}
resource "time_sleep" "two" {
  create_duration = "250ms"
  triggers        = merge(var.first, var.second)
  depends_on      = [local_file.first]
}
resource "local_file" "second" {
  for_each   = var.second
  filename   = "${var.directory}/${each.key}-${each.value}"
  content    = each.value
  depends_on = [time_sleep.two]
}
resource "time_sleep" "three" {
  create_duration = "250ms"
  triggers        = merge(var.first, var.second)
  depends_on      = [local_file.second]
}
`
)

// newKillProject is a project whose state and store are in S3.
func newKillProject(t *testing.T) (*project, *storetest.S3) {
	t.Helper()
	p := newProject(t, "local", "time")
	s3 := storetest.NewS3(t)
	p.env = append(append(p.env, s3.Env()...), "AWS_ENDPOINT_URL="+s3.Endpoint)
	p.address = s3.Address("kept")
	if err := os.Mkdir(p.outside(), 0o700); err != nil {
		t.Fatal(err)
	}
	p.write("penstock.yaml", fmt.Sprintf(`version: 1
units:
  - {path: "live/*/*", kind: live}
live:
  store: %q
  recipients: [%q]
  signers: {ci: %q}
  allow:
    settings: [local_file.filename]
  environments:
    - name: dvlp
      gates: false
      backend:
        type: s3
        config:
          bucket: %s
          key: "{env}/{unit}.tfstate"
          region: eu-west-1
          use_lockfile: "true"
          max_retries: "1"
          use_path_style: "true"
          skip_credentials_validation: "true"
          skip_metadata_api_check: "true"
          skip_region_validation: "true"
          skip_requesting_account_id: "true"
`, p.address, p.recipient, p.public, s3.Bucket),
		killUnit+"/main.tf", killCode)
	return p, s3
}

// outside is where the objects are.
func (p *project) outside() string { return filepath.Join(p.tmp, "objects") }

// want writes down which objects there shall be, and returns the names of their files.
func (p *project) want(random *rand.Rand) {
	p.t.Helper()
	first, second := map[string]string{}, map[string]string{}
	for _, name := range []string{"a1", "a2", "b1", "b2"} {
		objects := first
		if strings.HasPrefix(name, "b") {
			objects = second
		}
		if random.IntN(5) > 0 {
			objects[name] = fmt.Sprintf("%08x", random.Uint32())
		}
	}
	text, err := json.Marshal(map[string]any{"first": first, "second": second, "directory": p.outside()})
	if err != nil {
		p.t.Fatal(err)
	}
	p.write(killUnit+"/dvlp.tfvars.json", string(text))
	p.commit()
}

// objectsKnown are the files of the objects in the state, by name.
func (p *project) objectsKnown(bucket store.Store) map[string]bool {
	p.t.Helper()
	known := map[string]bool{}
	content, _, err := bucket.Read(p.t.Context(), killState)
	if errors.Is(err, store.ErrNotFound) {
		return known
	}
	if err != nil {
		p.t.Fatal(err)
	}
	defer content.Close()
	text, err := io.ReadAll(content)
	if err != nil {
		p.t.Fatal(err)
	}
	var state struct {
		Resources []struct {
			Type      string
			Instances []struct {
				Attributes struct{ Filename, Content string }
			}
		}
	}
	if err := json.Unmarshal(text, &state); err != nil {
		p.t.Fatal(err)
	}
	for _, r := range state.Resources {
		for _, i := range r.Instances {
			if r.Type == "local_file" {
				known[filepath.Base(i.Attributes.Filename)] = true
			}
		}
	}
	return known
}

// lost are the objects that no state knows of.
func (p *project) lost(bucket store.Store) []string {
	p.t.Helper()
	entries, err := os.ReadDir(p.outside())
	if err != nil {
		p.t.Fatal(err)
	}
	known := p.objectsKnown(bucket)
	var lost []string
	for _, entry := range entries {
		if !known[entry.Name()] {
			lost = append(lost, entry.Name())
		}
	}
	return lost
}

// addressOf is the address of the resource that makes an object.
func addressOf(object string) string {
	name, _, _ := strings.Cut(object, "-")
	resource := "second"
	if strings.HasPrefix(name, "a") {
		resource = "first"
	}
	return fmt.Sprintf("local_file.%s[%q]", resource, name)
}

// listed are the addresses of which the journal of a run says that they are not known.
func listed(run ledger.Run) []string {
	var addresses []string
	for _, e := range run.Entries {
		if e.Event != ledger.Recovered && e.Event != ledger.Finished {
			continue
		}
		for _, c := range e.Changes {
			addresses = append(addresses, c.Address)
		}
	}
	slices.Sort(addresses)
	return addresses
}

// stateBucket is the bucket of the state, as the lock of it is looked at.
func (p *project) stateBucket() store.Store {
	p.t.Helper()
	address, _, _ := strings.Cut(p.address, "/kept")
	_, query, _ := strings.Cut(p.address, "?")
	s, err := store.Open(p.t.Context(), address+"?"+query)
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}
