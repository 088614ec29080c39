package capsule

import (
	"fmt"
	"math"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

var (
	digestForm      = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	hexForm         = regexp.MustCompile(`^[0-9a-f]{64}$`)
	commitForm      = regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})?$`)
	environmentForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	memberForm      = regexp.MustCompile(`^\.?[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	levelForm       = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,31}$`)
)

// saltName is the entry of the payload that holds the key of the members' HMACs.
const saltName = "salt"

const saltSize = 32

// bytes returns the exact content of manifest.json.
func (m Manifest) bytes() ([]byte, error) { return encode(m.normal()) }

// Digest is the capsule's digest: that of the exact bytes of manifest.json. It
// stays when the capsule is rotated to other recipients.
func (m Manifest) Digest() (string, error) {
	text, err := m.bytes()
	if err != nil {
		return "", err
	}
	return digestOf(text), nil
}

// normal has no nil and no time that could be written in two ways.
func (m Manifest) normal() Manifest {
	m.Modules, m.Images = filled(m.Modules), filled(m.Images)
	m.Policies.Counts, m.Members = filled(m.Policies.Counts), filled(m.Members)
	if m.Risk.Addresses == nil {
		m.Risk.Addresses = []string{}
	}
	if m.After == nil {
		m.After = []string{}
	}
	m.Created, m.Expires = seconds(m.Created), seconds(m.Expires)
	return m
}

func filled[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return m
}

func seconds(t time.Time) time.Time { return t.UTC().Truncate(time.Second) }

// readManifest decodes manifest.json and refuses what Seal would not write.
func readManifest(text []byte) (Manifest, error) {
	var m Manifest
	if err := decode(text, &m, func() ([]byte, error) { return m.bytes() }); err != nil {
		return m, refuse(ErrJSON, hintTrust, "reading %q: %v", manifestName, err)
	}
	if err := m.valid(); err != nil {
		return m, err
	}
	return m, m.validMembers()
}

// writable refuses a manifest that would be read back as another one, such as one
// with text that is no UTF-8.
func (m Manifest) writable() ([]byte, error) {
	text, err := m.bytes()
	if err != nil {
		return nil, err
	}
	again, err := readManifest(text)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(again, m.normal()) {
		return nil, refuse(ErrManifest, hintValue, "the manifest holds text that is not UTF-8")
	}
	if len(text) > maxManifest {
		return nil, refuse(ErrManifest, hintValue, "the manifest has %d bytes, at most %d can be read", len(text), maxManifest)
	}
	return text, nil
}

// valid refuses values that no plan has; members are looked at apart, because
// Seal knows them last.
func (m Manifest) valid() error {
	bad := func(what, value string) error {
		return refuse(ErrManifest, hintValue, "the manifest's %s cannot be %q", what, value)
	}
	switch {
	case m.Schema != Schema:
		return refuse(ErrManifest, "use the version of penstock that made the capsule", "the manifest's schema is %q, this penstock reads %q", m.Schema, Schema)
	case !unitPath(m.Unit):
		return bad("unit", m.Unit)
	case !environmentForm.MatchString(m.Environment):
		return bad("environment", m.Environment)
	case !digestForm.MatchString(m.Closure) && !(m.Closure == "" && m.Destroy):
		return bad("closure", m.Closure)
	case !commitForm.MatchString(m.Commit):
		return bad("commit", m.Commit)
	case m.State.Backend == "":
		return bad("state backend", "")
	case m.State.Lineage == "" && m.State.Serial != 0:
		return bad("state serial without a lineage", fmt.Sprint(m.State.Serial))
	case m.Terraform.Name != "terraform" && m.Terraform.Name != "opentofu":
		return bad("terraform", m.Terraform.Name)
	case m.Terraform.Version == "":
		return bad("version of terraform", "")
	case m.Lock != "" && !digestForm.MatchString(m.Lock):
		return bad("lock", m.Lock)
	case m.Policies.Digest != "" && !digestForm.MatchString(m.Policies.Digest):
		return bad("digest of policies", m.Policies.Digest)
	case !slices.Contains(pipelines.Verdicts, m.Policies.Verdict):
		return bad("verdict", string(m.Policies.Verdict))
	case !levelForm.MatchString(m.Risk.Level):
		return bad("risk", m.Risk.Level)
	case !digestForm.MatchString(m.Changes):
		return bad("changes", m.Changes)
	case m.Wave < 0:
		return bad("wave", fmt.Sprint(m.Wave))
	}
	return m.validRest(bad)
}

func (m Manifest) validRest(bad func(what, value string) error) error {
	for verdict, count := range m.Policies.Counts {
		if !slices.Contains(pipelines.Verdicts, verdict) || count < 0 {
			return bad("count of verdicts", fmt.Sprintf("%s: %d", string(verdict), count))
		}
	}
	for kind, digests := range map[string]map[string]string{"module": m.Modules, "image": m.Images} {
		for name, digest := range digests {
			if name == "" && kind == "image" || digest == "" {
				return bad(kind, name+": "+digest)
			}
		}
	}
	if slices.Contains(m.Risk.Addresses, "") {
		return bad("address", "")
	}
	for _, unit := range m.After {
		if !unitPath(unit) {
			return bad("unit upstream", unit)
		}
	}
	switch c := m.Creator; {
	case c.Actor == "":
		return bad("creator", "")
	case c.Repository == "" && !c.Local:
		return bad("repository", "")
	case m.Created.Year() < 2000 || m.Created.Year() > 9999:
		return bad("time of creation", m.Created.Format(time.RFC3339))
	case m.Expires.Year() > 9999 || !m.Expires.After(m.Created):
		return bad("expiry", m.Expires.Format(time.RFC3339))
	}
	return nil
}

func (m Manifest) validMembers() error {
	if len(m.Members) == 0 {
		return refuse(ErrManifest, hintValue, "the manifest names no member")
	}
	var total int64
	for name, member := range m.Members {
		switch {
		case !memberForm.MatchString(name) || name == saltName:
			return refuse(ErrManifest, hintName, "a member cannot be called %q", name)
		case !hexForm.MatchString(member.HMAC):
			return refuse(ErrManifest, hintValue, "the member %q cannot have the HMAC %q", name, member.HMAC)
		case member.Size < 0 || member.Size > math.MaxInt64-total || total+member.Size > maxMembers:
			return refuse(ErrManifest, hintValue, "the member %q has %d bytes: members have at most %d together", name, member.Size, int64(maxMembers))
		}
		total += member.Size
	}
	return nil
}

// unitPath says whether a path is that of a unit: slash-separated, clean, inside
// the repository.
func unitPath(p string) bool {
	return p != "" && path.Clean(p) == p && !path.IsAbs(p) && p != ".." && !strings.HasPrefix(p, "../")
}
