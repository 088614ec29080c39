package live

import (
	"crypto/ed25519"
	"slices"
	"strings"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/config"
)

// People are known by the addresses that penstock.yaml names, or by the one that GitHub
// gives out; one that nobody knows makes all of them not known.
func TestNamesOf(t *testing.T) {
	c := config.Live{Authors: map[string][]string{"ines": {"ines@acme.example", "i@home.example"}, "eva": {"eva@acme.example"}}}
	for _, row := range []struct {
		addresses, names []string
		known            bool
	}{
		{nil, nil, false},
		{[]string{}, nil, false},
		{[]string{"INES@acme.example", "noreply@github.com", "i@home.example"}, []string{"ines"}, true},
		{[]string{"eva@acme.example", "ines@acme.example"}, []string{"eva", "ines"}, true},
		{[]string{"eva@acme.example", "mallory@evil.example"}, []string{"eva"}, false},
		{[]string{"123+Bob@users.noreply.github.com", "carl@users.noreply.github.com"}, []string{"Bob", "carl"}, true},
		{[]string{""}, nil, false},
		{[]string{"1+a\nb@users.noreply.github.com", "@users.noreply.github.com"}, nil, false},
	} {
		if names, known := namesOf(row.addresses, c); !slices.Equal(names, row.names) || known != row.known {
			t.Errorf("%q: got %q, %t", row.addresses, names, known)
		}
	}
}

// By the forge the same people cannot approve, under whatever key.
func TestAuthorsDoNotApproveByTheForge(t *testing.T) {
	key := ed25519.PublicKey(make([]byte, ed25519.PublicKeySize))
	other := ed25519.PublicKey(append([]byte{1}, key[1:]...))
	c := &capsule.Capsule{}
	c.Manifest.Creator = capsule.Creator{Actor: "ada", Authors: []string{"eva"}}
	approvers := map[string]ed25519.PublicKey{"ines": other, "eva": key, "eva-admin": key, "ada": other[:0]}
	for login, want := range map[string]string{"ines": "", "ADA": `"ADA" made the change`, "Eva": `"Eva" made the change`, "eva-admin": `the key of "eva-admin" is that of "eva"`, "bob": "is not one of"} {
		if got := cannot(login, c, approvers); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q", login, got)
		}
	}
}
