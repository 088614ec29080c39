package capsule

import (
	"crypto"
	"crypto/ed25519"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// ApprovalSchema is the version of the approval's JSON form.
const ApprovalSchema = "penstock.approval/v1"

// maxApproval is the largest record of an approval that is read, in bytes.
const maxApproval = 4 << 20

// Approval is a person's word on the risky changes of one capsule.
type Approval struct {
	Schema string `json:"schema"`
	// Capsule is the digest of the capsule.
	Capsule string `json:"capsule"`
	// Addresses are the resources whose change is approved.
	Addresses []string `json:"addresses"`
	// Approver is the name under which the person's key is known.
	Approver string `json:"approver"`
	Reason   string `json:"reason"`
	// Created and Expires are in UTC, in whole seconds.
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// record is the file: the approval, and the signature of it as encode writes it.
type record struct {
	Approval  Approval  `json:"approval"`
	Signature Signature `json:"signature"`
}

func (a Approval) normal() Approval {
	if a.Addresses == nil {
		a.Addresses = []string{}
	}
	a.Created, a.Expires = seconds(a.Created), seconds(a.Expires)
	return a
}

// SignApproval returns the record of an approval, signed by the person's key. It
// fills in the schema.
func SignApproval(a Approval, key crypto.Signer) ([]byte, error) {
	a = a.normal()
	a.Schema = ApprovalSchema
	if err := a.valid(); err != nil {
		return nil, fmt.Errorf("approving %s: %w", a.Capsule, err)
	}
	message, err := encode(a)
	if err != nil {
		return nil, err
	}
	signature, err := sign(key, approvalDomain, message)
	if err != nil {
		return nil, fmt.Errorf("approving %s: %w", a.Capsule, err)
	}
	text, err := encode(record{a, signature})
	if err != nil {
		return nil, err
	}
	again, _, err := readApproval(text)
	if err == nil && !reflect.DeepEqual(again, a) {
		err = refuse(ErrManifest, "write it in UTF-8", "the approval holds text that is not UTF-8")
	}
	if err != nil {
		return nil, fmt.Errorf("approving %s: %w", a.Capsule, err)
	}
	return text, nil
}

func (a Approval) valid() error {
	switch {
	case a.Schema != ApprovalSchema:
		return refuse(ErrManifest, "use the version of penstock that made the approval", "the approval's schema is %q, this penstock reads %q", a.Schema, ApprovalSchema)
	case !digestForm.MatchString(a.Capsule):
		return refuse(ErrManifest, "give the digest that penstock capsule inspect shows", "the approval's capsule cannot be %q", a.Capsule)
	case a.Approver == "" || strings.TrimSpace(a.Reason) == "":
		return refuse(ErrManifest, "say who approves, and why", "an approval needs the name of a person and a reason")
	case a.Created.Year() < 2000 || a.Expires.Year() > 9999 || !a.Expires.After(a.Created):
		return refuse(ErrManifest, hintApprove, "the approval cannot hold from %s to %s", a.Created.Format(time.RFC3339), a.Expires.Format(time.RFC3339))
	case slices.Contains(a.Addresses, ""):
		return refuse(ErrManifest, hintApprove, "the approval names an empty address")
	}
	return nil
}

// readApproval decodes a record and checks its signature with the key that it
// names itself.
func readApproval(text []byte) (Approval, ed25519.PublicKey, error) {
	var r record
	if len(text) > maxApproval {
		return r.Approval, nil, refuse(ErrJSON, hintApprove, "the approval has %d bytes, at most %d are read", len(text), maxApproval)
	}
	if err := decode(text, &r, func() ([]byte, error) { return encode(record{r.Approval.normal(), r.Signature}) }); err != nil {
		return r.Approval, nil, refuse(ErrJSON, hintApprove, "reading the approval: %v", err)
	}
	if err := r.Approval.valid(); err != nil {
		return r.Approval, nil, err
	}
	message, err := encode(r.Approval.normal())
	if err != nil {
		return r.Approval, nil, err
	}
	key, err := r.Signature.holds(approvalDomain, message)
	return r.Approval, key, err
}

const hintApprove = "approve the capsule again"

// VerifyApproval says whether a record approves this capsule: it names its digest,
// covers every address that needs a person, and was signed by a known approver who
// neither made the change nor sealed it. The capsule has to be verified. Now is the
// time to judge by; the zero time is now.
func VerifyApproval(text []byte, c *Capsule, approvers map[string]ed25519.PublicKey, now time.Time) (*Approval, error) {
	if err := c.errUnverified("approving"); err != nil {
		return nil, err
	}
	if now.IsZero() {
		now = time.Now()
	}
	a, key, err := readApproval(text)
	if err == nil {
		err = a.by(key, c, approvers)
	}
	if err == nil {
		err = a.covers(c, now)
	}
	if err != nil {
		return nil, fmt.Errorf("verifying the approval by %q: %w", a.Approver, err)
	}
	return &a, nil
}

// by says whether the person counts.
func (a Approval) by(key ed25519.PublicKey, c *Capsule, approvers map[string]ed25519.PublicKey) error {
	known := approvers[a.Approver]
	if len(known) != ed25519.PublicKeySize {
		return refuse(ErrApprover, "name the public key of the approver", "%q is not one of the %d known approvers", a.Approver, len(approvers))
	}
	if !known.Equal(key) {
		return refuse(ErrApprover, hintTrust, "it was signed by %s, and the key of %q is %s", FormatPublic(key), a.Approver, FormatPublic(known))
	}
	const hint = "have someone else approve it"
	for _, author := range c.Manifest.Creator.Made() {
		if strings.EqualFold(a.Approver, author) { // a forge's names are the same in any case
			return refuse(ErrAuthor, hint, "%q made the change, and cannot approve it", author)
		}
		for name, other := range approvers {
			if strings.EqualFold(name, author) && other.Equal(key) {
				return refuse(ErrAuthor, hint, "the key of %q is that of %q, who made the change", a.Approver, name)
			}
		}
	}
	if c.Signature.Signer == FormatPublic(key) {
		return refuse(ErrAuthor, hint, "the key of %q sealed the capsule, and cannot approve it", a.Approver)
	}
	return nil
}

// covers says whether the approval is for all of this capsule, now.
func (a Approval) covers(c *Capsule, now time.Time) error {
	const form = time.RFC3339
	switch {
	case a.Capsule != c.Digest:
		return refuse(ErrCapsule, hintApprove, "it approves the capsule %s, this one is %s", a.Capsule, c.Digest)
	case a.Created.After(now.Add(skew)):
		return refuse(ErrFuture, "set the clocks of both machines", "it was given at %s, and it is %s", a.Created.Format(form), now.UTC().Format(form))
	case !now.Before(a.Expires):
		return refuse(ErrExpired, hintApprove, "it expired at %s, and it is %s", a.Expires.Format(form), now.UTC().Format(form))
	}
	approved := map[string]bool{}
	for _, address := range a.Addresses {
		approved[address] = true
	}
	for _, address := range c.Manifest.Risk.Addresses {
		if !approved[address] {
			return refuse(ErrAddresses, "approve the capsule with every address that penstock capsule inspect shows",
				"it does not cover %q, one of the %d addresses that need a person", address, len(c.Manifest.Risk.Addresses))
		}
	}
	return nil
}
