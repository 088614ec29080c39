package capsule

import (
	"crypto"
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/penstock-dev/penstock/pipelines"
)

// approvers are two people and the author of sample.
type approvers struct {
	bob, carol, alice crypto.Signer
	known             map[string]ed25519.PublicKey
}

func people(t *testing.T) approvers {
	t.Helper()
	a := approvers{known: map[string]ed25519.PublicKey{}}
	for name, key := range map[string]*crypto.Signer{"bob": &a.bob, "carol": &a.carol, "alice": &a.alice} {
		*key, a.known[name] = signer(t)
	}
	return a
}

func approval(of *Capsule) Approval {
	return Approval{Capsule: of.Digest, Addresses: append([]string{"more"}, of.Manifest.Risk.Addresses...), Approver: "bob",
		Reason: "the subnet is empty", Created: time.Now().Add(-time.Minute), Expires: time.Now().Add(time.Hour)}
}

func TestApprovals(t *testing.T) {
	s := seal(t, sample(), contents)
	c := verified(t, s)
	p := people(t)
	sign := func(a Approval, key crypto.Signer) []byte {
		text, err := SignApproval(a, key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := sign(approval(c), p.bob)
	got, err := VerifyApproval(good, c, p.known, time.Time{})
	if err != nil || got.Approver != "bob" || got.Reason != "the subnet is empty" {
		t.Fatalf("got %+v, %v", got, err)
	}
	edited := func(edit func(a *Approval)) []byte {
		a := approval(c)
		edit(&a)
		return sign(a, p.bob)
	}
	twice := map[string]ed25519.PublicKey{"Alice": p.known["bob"], "bob": p.known["bob"]}
	sealer := map[string]ed25519.PublicKey{"bob": s.public}
	text := func(old, with string) []byte {
		if !strings.Contains(string(good), old) {
			t.Fatalf("%s does not contain %q", good, old)
		}
		return []byte(strings.Replace(string(good), old, with, 1))
	}
	const broken = "does not hold for what it stands beside"
	for name, x := range map[string]struct {
		text  []byte
		known map[string]ed25519.PublicKey
		now   time.Time
		kind  error
		says  string
	}{
		"another capsule":            {edited(func(a *Approval) { a.Capsule = digest("9") }), nil, time.Time{}, ErrCapsule, "it approves the capsule " + digest("9") + ", this one is " + c.Digest},
		"an address left out":        {edited(func(a *Approval) { a.Addresses = a.Addresses[:2] }), nil, time.Time{}, ErrAddresses, `it does not cover "aws_subnet.private[\"a\"]", one of the 2 addresses`},
		"no address":                 {edited(func(a *Approval) { a.Addresses = nil }), nil, time.Time{}, ErrAddresses, `it does not cover "aws_vpc.main"`},
		"expired":                    {good, nil, time.Now().Add(2 * time.Hour), ErrExpired, "it expired at"},
		"from the future":            {good, nil, time.Now().Add(-time.Hour), ErrFuture, "it was given at"},
		"nobody known":               {good, map[string]ed25519.PublicKey{}, time.Time{}, ErrApprover, `"bob" is not one of the 0 known approvers`},
		"someone unknown":            {edited(func(a *Approval) { a.Approver = "mallory" }), nil, time.Time{}, ErrApprover, `"mallory" is not one of the 3 known approvers`},
		"in the name of another":     {edited(func(a *Approval) { a.Approver = "carol" }), nil, time.Time{}, ErrApprover, `and the key of "carol" is `},
		"a broken key":               {good, map[string]ed25519.PublicKey{"bob": p.known["bob"][:31]}, time.Time{}, ErrApprover, `"bob" is not one of`},
		"the author":                 {sign(func() Approval { a := approval(c); a.Approver = "alice"; return a }(), p.alice), nil, time.Time{}, ErrAuthor, `"Alice" made the change, and cannot approve it`},
		"the author by another name": {good, twice, time.Time{}, ErrAuthor, `the key of "bob" is that of "Alice"`},
		"the key that sealed":        {sign(approval(c), s.key), sealer, time.Time{}, ErrAuthor, `the key of "bob" sealed the capsule`},
		"another reason":             {text("the subnet is empty", "the subnet is full"), nil, time.Time{}, ErrSignature, broken},
		"an address more":            {text(`"more"`, `"most"`), nil, time.Time{}, ErrSignature, broken},
		"a signature for a capsule":  {resigned(t, approval(c), p.bob), nil, time.Time{}, ErrSignature, broken},
		"a member twice":             {text(`    "reason":`, `    "reason": "", "reason":`), nil, time.Time{}, ErrJSON, `the member "reason" is there twice`},
		"an unknown member":          {text(`    "reason":`, `    "extra": "", "reason":`), nil, time.Time{}, ErrJSON, `unknown field "extra"`},
		"in capitals":                {text(`"reason":`, `"Reason":`), nil, time.Time{}, ErrJSON, "not in the form that penstock writes"},
		"a later schema":             {text(`penstock.approval/v1`, `penstock.approval/v2`), nil, time.Time{}, ErrManifest, `the approval's schema is "penstock.approval/v2"`},
		"nothing":                    {nil, nil, time.Time{}, ErrJSON, "EOF"},
		"a list":                     {[]byte("[]\n"), nil, time.Time{}, ErrJSON, "cannot unmarshal"},
		"too large":                  {make([]byte, maxApproval+1), nil, time.Time{}, ErrJSON, "at most 4194304 are read"},
	} {
		known := p.known
		if x.known != nil {
			known = x.known
		}
		a, err := VerifyApproval(x.text, c, known, x.now)
		refused(t, name, err, x.kind, x.says)
		var hinted *pipelines.Error
		if a != nil || !errors.As(err, &hinted) || hinted.Hint == "" {
			t.Errorf("%s: got %v and no hint: %v", name, a, err)
		}
	}
	unverified, err := Read(s.path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = VerifyApproval(good, unverified, p.known, time.Time{})
	refused(t, "a capsule that was not verified", err, ErrUnverified, "it was not verified")
}

// resigned is an approval signed as an envelope is.
func resigned(t *testing.T, a Approval, key crypto.Signer) []byte {
	t.Helper()
	a.Schema = ApprovalSchema
	message, err := encode(a.normal())
	if err != nil {
		t.Fatal(err)
	}
	signature, err := sign(key, envelopeDomain, message)
	if err != nil {
		t.Fatal(err)
	}
	text, err := encode(record{a.normal(), signature})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestApprovalsThatCannotBeGiven(t *testing.T) {
	c := verified(t, seal(t, sample(), contents))
	key, _ := signer(t)
	for name, x := range map[string]struct {
		edit func(a *Approval)
		says string
	}{
		"no capsule":       {func(a *Approval) { a.Capsule = "" }, `capsule cannot be ""`},
		"no reason":        {func(a *Approval) { a.Reason = " " }, "a person and a reason"},
		"no name":          {func(a *Approval) { a.Approver = "" }, "a person and a reason"},
		"an empty address": {func(a *Approval) { a.Addresses = []string{""} }, "an empty address"},
		"no end":           {func(a *Approval) { a.Expires = time.Time{} }, "cannot hold from"},
		"over at once":     {func(a *Approval) { a.Expires = a.Created }, "cannot hold from"},
	} {
		a := approval(c)
		x.edit(&a)
		_, err := SignApproval(a, key)
		refused(t, name, err, ErrManifest, x.says)
	}
	a := approval(c)
	a.Reason = "\xff"
	if _, err := SignApproval(a, key); err == nil {
		t.Error("a reason that is no UTF-8 is signed")
	}
	_, err := SignApproval(approval(c), nil)
	refused(t, "no key", err, ErrKey, "not an ed25519 key")
}

// The same approval lasts through a rotation: it names the manifest.
func TestAnApprovalOutlivesARotation(t *testing.T) {
	s := seal(t, sample(), contents)
	c := verified(t, s)
	p := people(t)
	text, err := SignApproval(approval(c), p.bob)
	if err != nil {
		t.Fatal(err)
	}
	_, to := identity(t)
	if _, err := Rotate(s.path, s.path, Rotation{Trust: s.trust(), Identities: []age.Identity{s.identity}, Recipients: []string{to}, Key: s.key}); err != nil {
		t.Fatal(err)
	}
	if _, err := VerifyApproval(text, verified(t, s), p.known, time.Time{}); err != nil {
		t.Error(err)
	}
}
