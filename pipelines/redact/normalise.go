package redact

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/penstock-dev/penstock/pipelines/planjson"
)

// Normalise returns the SHA-256 of what a plan would do: of each resource, output
// and action that changes, its address, actions, provider and values before and
// after, sensitive ones too, in an order of its own. Two plans with the same digest
// do the same; drift, versions, timestamps and what is left as it is do not count.
//
// The digest is not for the public: whoever knows all of a plan but a short secret
// could find the secret by trying. It belongs beside the plan, in the sealed part;
// what a public manifest may say of it is Bind.
func Normalise(plan io.Reader) ([]byte, error) {
	var n Normaliser
	if _, err := planjson.Walk(plan, n.Visitor()); err != nil {
		return nil, err
	}
	return n.Sum(), nil
}

// Normaliser is Normalise for a walk that others take part in.
type Normaliser struct{ sums [][32]byte }

// Visitor is what has to walk the plan; it changes nothing of what it is told.
func (n *Normaliser) Visitor() planjson.Visitor {
	return planjson.Visitor{
		Change: func(r *tfjson.ResourceChange) error {
			moved := r.PreviousAddress != "" && r.PreviousAddress != r.Address
			if r.Change != nil && r.Change.Actions.NoOp() && !moved && r.Change.Importing == nil {
				return nil
			}
			does := *r
			does.ActionReason = "" // it explains and does nothing
			return n.add("resource", &does)
		},
		Deferred:   func(d *tfjson.DeferredResourceChange) error { return n.add("deferred", d) },
		Invocation: func(i *tfjson.ActionInvocation) error { return n.add("action", i) },
		Output: func(name string, c *tfjson.Change) error {
			if c.Actions.NoOp() {
				return nil
			}
			return n.add("output", []any{name, c})
		},
	}
}

func (n *Normaliser) add(kind string, value any) error {
	text, err := json.Marshal([]any{kind, value})
	if err != nil {
		return fmt.Errorf("normalising a change: %w", err)
	}
	n.sums = append(n.sums, sha256.Sum256(text))
	return nil
}

// Sum is the digest, after the walk.
func (n *Normaliser) Sum() []byte {
	slices.SortFunc(n.sums, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
	all := sha256.New()
	for _, sum := range n.sums {
		all.Write(sum[:])
	}
	return all.Sum(nil)
}

// Bind is what a public manifest may say of a digest of Normalise: HMAC-SHA-256,
// in hex, with a random key of at least 32 bytes that is new for each capsule and
// stays in its sealed part. Without the key nobody can try secrets against it, nor
// tell whether two plans are equal; with it, whoever opens the capsule can check
// that the manifest belongs to the plan in it.
func Bind(digest, key []byte) (string, error) {
	if len(key) < 32 {
		return "", fmt.Errorf("binding a plan: the key has %d bytes, and needs 32", len(key))
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("penstock.plan/v1 changes\x00"))
	mac.Write(digest)
	return hex.EncodeToString(mac.Sum(nil)), nil
}
