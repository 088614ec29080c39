package capsule

import (
	"testing"
	"time"
)

func origins(t *testing.T, s setting) []tampered {
	var all []tampered
	now := time.Now()
	add := func(name string, kind error, says string, now time.Time, edit func(m *Manifest)) {
		trust := s.trust()
		trust.Now = now
		all = append(all, tampered{name: name, raw: apart(t, s.path).manifest(edit).bind(s.key).bytes(), kind: kind, says: says, trust: &trust})
	}
	nothing := func(*Manifest) {}
	add("expired", ErrExpired, "it expired at ", now.Add(3*time.Hour), nothing)
	exactly := seconds(now.Add(time.Hour))
	add("expired just now", ErrExpired, "it expired at "+exactly.Format(time.RFC3339)+", and it is "+exactly.Format(time.RFC3339), exactly,
		func(m *Manifest) { m.Expires = exactly })
	add("made in the future", ErrFuture, "it was made at ", now.Add(-2*time.Hour), nothing)
	add("sealed in the future", ErrFuture, "it was sealed at ", now.Add(-30*time.Minute), nothing)
	add("from a fork", ErrFork, `it was made for a change from "mallory/live", which is not "org/live"`, now, func(m *Manifest) { m.Creator.HeadRepository = "mallory/live" })
	add("from a fork that was deleted", ErrFork, `it was made for a change from "", which is not "org/live"`, now, func(m *Manifest) { m.Creator.HeadRepository = "" })
	return all
}

// matches are capsules that hold, but for something else.
func matches(t *testing.T, s setting) []tampered {
	raw := apart(t, s.path).bytes()
	var all []tampered
	add := func(name string, kind error, says string, edit func(*Expect)) {
		all = append(all, tampered{name: name, raw: raw, kind: kind, says: says, expect: edit})
	}
	add("another repository", ErrRepository, `the repository is "org/other", the capsule was made for "org/live"`, func(e *Expect) { e.Repository = "org/other" })
	add("another unit", ErrUnit, `the unit is "live/dvlp/vpc", the capsule was made for "live/prod/vpc"`, func(e *Expect) { e.Unit = "live/dvlp/vpc" })
	add("another environment", ErrEnvironment, `the environment is "dvlp", the capsule was made for "prod"`, func(e *Expect) { e.Environment = "dvlp" })
	add("another closure", ErrClosure, "the trunk's closure is "+digest("9")+", the capsule was made for "+digest("a"), func(e *Expect) { e.Closure = digest("9") })
	add("no closure", ErrClosure, "the trunk's closure is none, the capsule was made for "+digest("a"), func(e *Expect) { e.Closure = "" })
	add("another backend", ErrState, `the state's backend is "s3://other", the capsule was made for "s3://state/prod/vpc"`, func(e *Expect) { e.State.Backend = "s3://other" })
	add("another lineage", ErrState, `the state's lineage is "other", the capsule was made for "5e0ad6b2-8d1c"`, func(e *Expect) { e.State.Lineage = "other" })
	add("no state", ErrState, `the state's lineage is none, the capsule was made for "5e0ad6b2-8d1c"`, func(e *Expect) { e.State = State{Backend: e.State.Backend} })
	add("a later serial", ErrState, "the state's serial is 43, the capsule was made for 42", func(e *Expect) { e.State.Serial = 43 })
	add("an earlier serial", ErrState, "the state's serial is 41, the capsule was made for 42", func(e *Expect) { e.State.Serial = 41 })
	add("another version", ErrTerraform, `the program here is "terraform 1.12.0", the capsule was made for "terraform 1.11.4"`, func(e *Expect) { e.Terraform.Version = "1.12.0" })
	add("another program", ErrTerraform, `the program here is "opentofu 1.11.4"`, func(e *Expect) { e.Terraform.Name = "opentofu" })
	add("another lock", ErrLock, "the digest of .terraform.lock.hcl is "+digest("9")+", the capsule was made for "+digest("b"), func(e *Expect) { e.Lock = digest("9") })
	add("no lock", ErrLock, "the digest of .terraform.lock.hcl is none", func(e *Expect) { e.Lock = "" })
	add("another module", ErrModules, `the module "vpc" is `+digest("9")+", the capsule was made for "+digest("d"), func(e *Expect) { e.Modules = map[string]string{"vpc": digest("9")} })
	add("a module more", ErrModules, `the module "dns" is "x", the capsule was made for none`, func(e *Expect) { e.Modules = map[string]string{"vpc": digest("d"), "dns": "x"} })
	add("a module less", ErrModules, `the module "vpc" is none, the capsule was made for `+digest("d"), func(e *Expect) { e.Modules = nil })
	add("another image", ErrImages, `the image "terraform" is none`, func(e *Expect) { e.Images = nil })
	add("other policies", ErrPolicies, "the digest of the policies is "+digest("9"), func(e *Expect) { e.Policies = digest("9") })
	add("a destruction", ErrDestroy, "destroying the unit is true here, the capsule was made with false", func(e *Expect) { e.Destroy = true })
	add("nothing is expected", ErrRepository, "the repository is none", func(e *Expect) { *e = Expect{} })
	return all
}
