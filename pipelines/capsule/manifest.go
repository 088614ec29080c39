// Package capsule seals a plan: the plan file, its JSON, the full log and the
// dependency lock are encrypted to several recipients, and a public manifest says
// what was planned, from what, by whom and until when it holds. Who seals needs
// public keys alone, so that a job of a pull request cannot open what it sealed.
//
// A capsule is one file, an uncompressed tar of four entries in this order:
// manifest.json, envelope.json (binds the manifest to the payload and names the
// recipients), signature.json (of the envelope) and payload.age.
package capsule

import (
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// Schema is the version of the manifest's JSON form.
const Schema = "penstock.capsule/v1"

// Bounds on what is read, in bytes. A payload of a plan is some megabytes.
const (
	maxManifest  = 8 << 20
	maxEnvelope  = 256 << 10
	maxSignature = 4 << 10
	maxPayload   = 2 << 30
	maxMembers   = 4 << 30 // all members together, as they are when opened
)

// Manifest is the public part of a capsule: what was planned, and from what.
// Digests are written "sha256:" and 64 hex digits unless they say otherwise.
type Manifest struct {
	Schema string `json:"schema"`
	// Unit is the path of the unit in its repository.
	Unit        string `json:"unit"`
	Environment string `json:"environment"`
	// Closure is the digest of the unit's closure. It is empty only for the
	// destruction of a unit that is no longer there.
	Closure string `json:"closure"`
	// Commit is recorded, not bound: a squash merge changes it.
	Commit string `json:"commit"`
	// State is the state that the plan was made on.
	State     State          `json:"state"`
	Terraform pipelines.Tool `json:"terraform"`
	// Lock is the digest of .terraform.lock.hcl, empty without one.
	Lock string `json:"lock"`
	// Modules holds the digest of every downloaded module by its key.
	Modules map[string]string `json:"modules"`
	// Images holds the digests of the images of tools, where it ran in containers.
	Images   map[string]string `json:"images"`
	Policies Policies          `json:"policies"`
	Risk     Risk              `json:"risk"`
	// Changes is the digest of the normalised changes. It is public: who makes it
	// leaves sensitive values out, which could else be guessed and confirmed.
	Changes string `json:"changes"`
	// Destroy says that the plan destroys a unit that was removed.
	Destroy bool `json:"destroy"`
	// Wave counts from 0: units of a wave depend on none of the same or a later one.
	Wave int `json:"wave"`
	// After are the units upstream that have changes of their own.
	After   []string `json:"after"`
	Creator Creator  `json:"creator"`
	// Created and Expires are in UTC, in whole seconds.
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
	// Members are the files in the payload by name. Seal fills them in.
	Members map[string]Member `json:"members"`
}

// State names one version of a state.
type State struct {
	// Backend is where the state lies, without anything secret.
	Backend string `json:"backend"`
	// Lineage is empty, and the serial 0, where there is no state yet.
	Lineage string `json:"lineage"`
	Serial  uint64 `json:"serial"`
}

// Policies is what the rules said of the plan.
type Policies struct {
	// Digest is that of the rules; empty where none judged.
	Digest  string                    `json:"digest"`
	Verdict pipelines.Verdict         `json:"verdict"`
	Counts  map[pipelines.Verdict]int `json:"counts"`
}

// Risk is how much a plan can break.
type Risk struct {
	Level string `json:"level"`
	// Addresses are the resources that need a person's approval.
	Addresses []string `json:"addresses"`
}

// Creator is who made the capsule, and where.
type Creator struct {
	Actor string `json:"actor"`
	Run   string `json:"run"`
	// Repository is where the change shall land, HeadRepository where it comes
	// from: they differ for a fork. Both are empty for a capsule made without a forge.
	Repository     string `json:"repository"`
	HeadRepository string `json:"head_repository"`
	Ref            string `json:"ref"`
	// Dirty: the working tree differed from the commit.
	Dirty bool `json:"dirty"`
	// Local: made on a person's machine.
	Local bool `json:"local"`
	// Authors are the names, by live.authors of penstock.yaml, of those who wrote or
	// committed a commit of the change: like Actor they cannot approve it.
	Authors []string `json:"authors,omitempty"`
	// AuthorsKnown: each author and committer of the change is one of Authors.
	AuthorsKnown bool `json:"authors_known,omitempty"`
}

// Made are the names of those who made the change.
func (c Creator) Made() []string { return append([]string{c.Actor}, c.Authors...) }

// Member is one file of the payload.
type Member struct {
	// HMAC is the HMAC-SHA256 of the content in hex. Its key lies in the payload,
	// so that who cannot open the capsule cannot confirm a guess of its content.
	HMAC string `json:"hmac_sha256"`
	// Size is in bytes.
	Size int64 `json:"size"`
}

// Envelope binds a manifest to a payload and to those who can open it.
type Envelope struct {
	// Manifest is the digest of manifest.json: the digest of the capsule.
	Manifest string  `json:"manifest"`
	Payload  Payload `json:"payload"`
	// Recipients are public keys, sorted, without comments.
	Recipients []string  `json:"recipients"`
	Sealed     time.Time `json:"sealed"`
}

// Payload is what payload.age has to be.
type Payload struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// Signature is one of an envelope or an approval.
type Signature struct {
	// Signer is the public key, "ed25519:" and base64.
	Signer string `json:"signer"`
	// Signature is in base64.
	Signature string `json:"signature"`
}
