package capsule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// texts are JSON that a lenient reader would take; all of it is signed by a known key.
func texts(t *testing.T, s setting) []tampered {
	var all []tampered
	add := func(name, says, entry, old, with string) {
		f := apart(t, s.path).replace(entry, old, with)
		switch entry {
		case manifestName:
			f.bind(s.key)
		case envelopeName:
			f.sign(s.key, envelopeDomain, f.at(envelopeName).content)
		}
		all = append(all, tampered{name: name, raw: f.bytes(), kind: ErrJSON, says: fmt.Sprintf("reading %q: %s", entry, says)})
	}
	const form = "it is not in the form that penstock writes"
	add("a unit twice", `the member "unit" is there twice`, manifestName, `  "unit":`, `  "unit": "live/dvlp/vpc",`+"\n"+`  "unit":`)
	add("a serial twice", `the member "serial" is there twice`, manifestName, `"serial": 42`, `"serial": 42, "serial": 42`)
	add("a member twice", `the member "odd" is there twice`, manifestName, `    "odd":`, `    "odd": {"hmac_sha256": "", "size": 1}, "odd":`)
	add("a unit in capitals too", form, manifestName, `  "unit":`, `  "Unit": "live/dvlp/vpc",`+"\n"+`  "unit":`)
	add("only in capitals", form, manifestName, `"destroy":`, `"DESTROY":`)
	add("an unknown member", `json: unknown field "extra"`, manifestName, `  "unit":`, `  "extra": 1,`+"\n"+`  "unit":`)
	add("an unknown member within", `json: unknown field "extra"`, manifestName, `"serial": 42`, `"serial": 42, "extra": {}`)
	add("null for a list", form, manifestName, `[
    "live/prod/dns"
  ]`, "null")
	add("a member left out", form, manifestName, `  "destroy": false,`+"\n", "")
	add("other blanks", form, manifestName, `"unit": `, `"unit":  `)
	add("an escape that is none", form, manifestName, `"unit": "l`, `"unit": "\u006c`)
	add("a lone surrogate", form, manifestName, `"unit": "l`, `"unit": "\ud800l`)
	add("bytes that are no UTF-8", form, manifestName, `"unit": "l`, "\"unit\": \"\xffl")
	add("something behind it", "", manifestName, "\n}\n", "\n}\n{}\n")
	add("a mark in front of it", "", manifestName, "{", "\ufeff{")
	add("a fraction for an integer", "json: cannot unmarshal", manifestName, `"serial": 42`, `"serial": 42.5`)
	add("an exponent for an integer", "json: cannot unmarshal", manifestName, `"serial": 42`, `"serial": 42e0`)
	add("a negative serial", "json: cannot unmarshal", manifestName, `"serial": 42`, `"serial": -1`)
	add("a serial beyond 64 bits", "json: cannot unmarshal", manifestName, `"serial": 42`, `"serial": 18446744073709551658`)
	add("nested too deep", "it is nested more than 16 deep", manifestName, `"unit": `, `"unit": `+strings.Repeat("[", 5000))
	add("cut in the middle", "", manifestName, `"unit": `, ``)
	add("an envelope with two payloads", `the member "payload" is there twice`, envelopeName, `  "payload":`, `  "payload": {}, "payload":`)
	add("an envelope with more", `json: unknown field "extra"`, envelopeName, `  "payload":`, `  "extra": 1, "payload":`)
	add("an envelope without recipients", form, envelopeName, `"recipients"`, `"Recipients"`)
	add("a signature with more", `json: unknown field "extra"`, signatureName, `  "signer":`, `  "extra": 1, "signer":`)
	add("a signature with two signers", `the member "signer" is there twice`, signatureName, `  "signer":`, `  "signer": "", "signer":`)
	add("a signature with blanks", form, signatureName, "\n}\n", "\n}\n ")
	return all
}

// values are manifests that no plan has; a known key signed them.
func values(t *testing.T, s setting) []tampered {
	var all []tampered
	for name, c := range map[string]struct {
		says string
		edit func(m *Manifest)
	}{
		"a later schema":         {`"penstock.capsule/v2", this penstock reads "penstock.capsule/v1"`, func(m *Manifest) { m.Schema = "penstock.capsule/v2" }},
		"a unit outside":         {`unit cannot be "../live"`, func(m *Manifest) { m.Unit = "../live" }},
		"an absolute unit":       {`unit cannot be "/live"`, func(m *Manifest) { m.Unit = "/live" }},
		"a unit in two ways":     {`unit cannot be "live//vpc"`, func(m *Manifest) { m.Unit = "live//vpc" }},
		"no unit":                {`unit cannot be ""`, func(m *Manifest) { m.Unit = "" }},
		"no environment":         {`environment cannot be ""`, func(m *Manifest) { m.Environment = "" }},
		"no closure":             {`closure cannot be ""`, func(m *Manifest) { m.Closure = "" }},
		"a short closure":        {`closure cannot be "sha256:ab"`, func(m *Manifest) { m.Closure = "sha256:ab" }},
		"an abbreviated commit":  {`commit cannot be "abcdef0"`, func(m *Manifest) { m.Commit = "abcdef0" }},
		"a serial of no state":   {`state serial without a lineage cannot be "42"`, func(m *Manifest) { m.State.Lineage = "" }},
		"another program":        {`terraform cannot be "sh"`, func(m *Manifest) { m.Terraform.Name = "sh" }},
		"an unknown verdict":     {`verdict cannot be "fine"`, func(m *Manifest) { m.Policies.Verdict = "fine" }},
		"a count below zero":     {`count of verdicts cannot be "fail: -1"`, func(m *Manifest) { m.Policies.Counts = map[pipelines.Verdict]int{pipelines.Fail: -1} }},
		"no digest of changes":   {`changes cannot be ""`, func(m *Manifest) { m.Changes = "" }},
		"no creator":             {`creator cannot be ""`, func(m *Manifest) { m.Creator.Actor = "" }},
		"no repository":          {`repository cannot be ""`, func(m *Manifest) { m.Creator.Repository, m.Creator.HeadRepository = "", "" }},
		"expired when made":      {`expiry cannot be`, func(m *Manifest) { m.Expires = m.Created }},
		"no time":                {`time of creation cannot be "0001-01-01T00:00:00Z"`, func(m *Manifest) { m.Created = time.Time{} }},
		"no backend":             {`state backend cannot be ""`, func(m *Manifest) { m.State.Backend = "" }},
		"no version":             {`version of terraform cannot be ""`, func(m *Manifest) { m.Terraform.Version = "" }},
		"a short lock":           {`lock cannot be "sha256:ab"`, func(m *Manifest) { m.Lock = "sha256:ab" }},
		"odd policies":           {`digest of policies cannot be "x"`, func(m *Manifest) { m.Policies.Digest = "x" }},
		"no risk":                {`risk cannot be ""`, func(m *Manifest) { m.Risk.Level = "" }},
		"a wave below zero":      {`wave cannot be "-1"`, func(m *Manifest) { m.Wave = -1 }},
		"a module of no digest":  {`module cannot be "vpc: "`, func(m *Manifest) { m.Modules["vpc"] = "" }},
		"an image of no name":    {`image cannot be ": x"`, func(m *Manifest) { m.Images[""] = "x" }},
		"an empty address":       {`address cannot be ""`, func(m *Manifest) { m.Risk.Addresses = []string{""} }},
		"a unit outside after":   {`unit upstream cannot be "../x"`, func(m *Manifest) { m.After = []string{"../x"} }},
		"no member":              {`names no member`, func(m *Manifest) { m.Members = map[string]Member{} }},
		"a member with a path":   {`a member cannot be called "../plan"`, func(m *Manifest) { m.Members["../plan"] = m.Members["odd"] }},
		"a member in a folder":   {`a member cannot be called "a/b"`, func(m *Manifest) { m.Members["a/b"] = m.Members["odd"] }},
		"a member called ..":     {`a member cannot be called ".."`, func(m *Manifest) { m.Members[".."] = m.Members["odd"] }},
		"a member called salt":   {`a member cannot be called "salt"`, func(m *Manifest) { m.Members["salt"] = m.Members["odd"] }},
		"a member of other form": {`"a\x00b"`, func(m *Manifest) { m.Members["a\x00b"] = m.Members["odd"] }},
		"a member below zero":    {`has -1 bytes`, func(m *Manifest) { m.Members["odd"] = Member{m.Members["odd"].HMAC, -1} }},
		"a member without end":   {`at most 4294967296 together`, func(m *Manifest) { m.Members["odd"] = Member{m.Members["odd"].HMAC, 1<<63 - 1} }},
		"a member of no HMAC":    {`cannot have the HMAC ""`, func(m *Manifest) { m.Members["odd"] = Member{"", 512} }},
	} {
		f := apart(t, s.path).manifest(c.edit).bind(s.key)
		all = append(all, tampered{name: name, raw: f.bytes(), kind: ErrManifest, says: c.says})
	}
	return all
}
