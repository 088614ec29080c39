package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
)

// Parts are what service-deploy is made of, in its order; each can be left out.
var Parts = []string{"image", "service-iam", "service-iac", "helm-values", "helm-deploy"}

var (
	serviceName   = regexp.MustCompile(`^[a-z][a-z0-9-]{1,30}$`)
	clusterName   = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	bundleVersion = regexp.MustCompile(`^[0-9]+\.[0-9]+\.[0-9]+`)
	sha256Digest  = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
	accountNumber = regexp.MustCompile(`^[0-9]{12}$`)
	variableName  = regexp.MustCompile(`^[A-Z_][A-Z0-9_]*$`)
	identities    = []string{"irsa", "pod-identity"}
)

// In returns where the service runs by a name, or what names there are.
func (s Service) In(name string) (ServiceEnvironment, error) {
	var there []string
	for _, e := range s.Environments {
		if e.Name == name {
			return e, nil
		}
		there = append(there, fmt.Sprintf("%q", e.Name))
	}
	hint := "declare it under service.environments; there are " + strings.Join(there, ", ")
	if len(there) == 0 {
		hint = "declare it under service.environments; there is none"
	}
	return ServiceEnvironment{}, refuse(s.Position, hint, "the service has no environment %q", name)
}

// On says whether anything is deployed there.
func (e ServiceEnvironment) On() bool { return e.Enabled == nil || *e.Enabled }

// Waived returns the opt-out of a part, nil where there is none. One that has
// expired, of any part, is an error: what was left out is due.
func (e ServiceEnvironment) Waived(part string, now time.Time) (*OptOut, error) {
	var found *OptOut
	for i, o := range e.OptOut {
		last, err := time.Parse(time.DateOnly, o.Expires)
		if err != nil {
			return nil, refuse(o.Position, `write it like "2027-01-31"`, "expires is %q, allowed is a date", o.Expires)
		}
		if !now.UTC().Before(last.AddDate(0, 0, 1)) {
			return nil, refuse(o.Position, fmt.Sprintf("take the opt-out out, or have %s renew it with a new date", o.Owner),
				"%s of %q is left out until %s, which is over; %s answers for it", o.Part, e.Name, o.Expires, o.Owner)
		}
		if o.Part == part {
			found = &e.OptOut[i]
		}
	}
	return found, nil
}

type place func(path ...any) pipelines.Position

func (s *Service) check(p places, known []Environment) error {
	at := place(func(path ...any) pipelines.Position { return p.at(append([]any{"service"}, path...)...) })
	s.Position = at()
	for _, field := range []struct {
		key, value, hint string
		shape            *regexp.Regexp
		required         bool
	}{
		{"name", s.Name, "use small letters, digits and hyphens, 2 to 31 of them", serviceName, true},
		{"owner", s.Owner, "name the squad", nil, true},
		{"namespace", s.Namespace, "use small letters, digits and hyphens", clusterName, false},
	} {
		if strings.TrimSpace(field.value) == "" && field.required {
			return refuse(at(field.key), field.hint, "the service has no %s", field.key)
		}
		if field.value != "" && field.shape != nil && !field.shape.MatchString(field.value) {
			return refuse(at(field.key), field.hint, "the %s of the service is %q", field.key, field.value)
		}
	}
	if err := errors.Join(s.Bundle.check(at), s.Chart.check(at), s.image(at)); err != nil {
		return first(err)
	}
	for _, name := range slices.Sorted(maps.Keys(s.Secrets)) {
		if !variableName.MatchString(name) {
			return refuse(at("secrets", name), "name the environment variable, such as DB_PASSWORD", "the secret is named %q", name)
		}
		if strings.TrimSpace(s.Secrets[name].Key) == "" {
			return refuse(at("secrets", name), "name its key in the store; never write a value here", "the secret %q has no key", name)
		}
	}
	for i := range s.Environments {
		if err := s.environment(at, i, known); err != nil {
			return err
		}
	}
	return nil
}

// first is the first of joined errors: one mistake is told at a time.
func first(err error) error {
	if list, ok := err.(interface{ Unwrap() []error }); ok {
		return list.Unwrap()[0]
	}
	return err
}

func (b Bundle) check(at place) error {
	if b.Version != "" && !bundleVersion.MatchString(b.Version) {
		return refuse(at("bundle", "version"), `write it like "1.4.0"`, "the version of the bundle is %q", b.Version)
	}
	if b.Digest != "" && !sha256Digest.MatchString(b.Digest) {
		return refuse(at("bundle", "digest"), "write sha256: and 64 hex digits", "the digest of the bundle is %q", b.Digest)
	}
	if (b.Version != "" || b.Digest != "") && strings.TrimSpace(b.From) == "" {
		return refuse(at("bundle"), "add from: a directory, s3://BUCKET/PREFIX or oci://REGISTRY/REPOSITORY", "the bundle has no from")
	}
	return nil
}

func (c Chart) check(at place) error {
	if c.Name != "" && !clusterName.MatchString(c.Name) {
		return refuse(at("chart", "name"), "use small letters, digits and hyphens", "the name of the chart is %q", c.Name)
	}
	if c.Digest != "" && !sha256Digest.MatchString(c.Digest) {
		return refuse(at("chart", "digest"), "write sha256: and 64 hex digits", "the digest of the chart is %q", c.Digest)
	}
	if c.Repository == "" {
		if c.Version != "" || c.Digest != "" {
			return refuse(at("chart"), "take version and digest out, or add repository", "a chart of the bundle is pinned with the bundle")
		}
		return nil
	}
	if !strings.HasPrefix(c.Repository, "oci://") && !strings.HasPrefix(c.Repository, "https://") {
		return refuse(at("chart", "repository"), "write oci://... or https://...", "the repository of the chart is %q", c.Repository)
	}
	for _, field := range []struct{ key, value string }{{"name", c.Name}, {"version", c.Version}, {"digest", c.Digest}} {
		if field.value == "" {
			return refuse(at("chart"), "add "+field.key, "a third party's chart is pinned by name, version and digest: there is no %s", field.key)
		}
	}
	return nil
}

// image refuses a tag: each build is deployed by its digest. A colon before the last
// slash is that of a port.
func (s *Service) image(at place) error {
	last := s.Image[strings.LastIndex(s.Image, "/")+1:]
	if strings.ContainsAny(last, ":@") || strings.ContainsAny(s.Image, " \t") || strings.Contains(s.Image, "://") || strings.HasSuffix(s.Image, "/") {
		return refuse(at("image"), "write it like registry.example.com/shop/orders", "the image is %q, allowed is a repository without tag and digest", s.Image)
	}
	return nil
}

func (s *Service) environment(at place, i int, known []Environment) error {
	e := &s.Environments[i]
	here := func(path ...any) pipelines.Position { return at(append([]any{"environments", i}, path...)...) }
	e.Position = here()
	if !environmentName.MatchString(e.Name) {
		return refuse(here("name"), "use small letters, digits and hyphens", "the name of the environment is %q", e.Name)
	}
	if !slices.ContainsFunc(known, func(k Environment) bool { return k.Name == e.Name }) {
		return refuse(here("name"), "allowed are the names of live.environments: "+listed(known), "there is no environment %q in live.environments", e.Name)
	}
	if slices.ContainsFunc(s.Environments[:i], func(o ServiceEnvironment) bool { return o.Name == e.Name }) {
		return refuse(here("name"), "take one out", "the environment %q of the service is there twice", e.Name)
	}
	if !accountNumber.MatchString(e.Account) {
		return refuse(here("account"), "write its 12 digits in quotes", "the account is %q", e.Account)
	}
	if strings.TrimSpace(e.Region) == "" {
		return refuse(here("region"), "write it like eu-west-1", "the environment %q has no region", e.Name)
	}
	if e.Boundary != "" && !strings.HasPrefix(e.Boundary, "arn:") {
		return refuse(here("boundary"), "write its ARN", "the permission boundary is %q", e.Boundary)
	}
	if e.Cluster.Identity != "" {
		if err := oneOf(here("cluster", "identity"), "identity", e.Cluster.Identity, identities); err != nil {
			return err
		}
	}
	if strings.Contains(e.Cluster.OIDCProvider, "://") {
		return refuse(here("cluster", "oidc_provider"), "leave https:// out", "the issuer is %q", e.Cluster.OIDCProvider)
	}
	for n := range e.OptOut {
		if err := e.optOut(here, n); err != nil {
			return err
		}
	}
	return nil
}

func listed(known []Environment) string {
	if len(known) == 0 {
		return "none are declared"
	}
	names := make([]string, len(known))
	for i, e := range known {
		names[i] = e.Name
	}
	return strings.Join(names, ", ")
}

func (e *ServiceEnvironment) optOut(here place, n int) error {
	o := &e.OptOut[n]
	o.Position = here("opt_out", n)
	for _, field := range []struct{ key, value string }{{"part", o.Part}, {"reason", o.Reason}, {"owner", o.Owner}, {"expires", o.Expires}} {
		if strings.TrimSpace(field.value) == "" {
			return refuse(o.Position, "add "+field.key, "the opt-out has no %s", field.key)
		}
	}
	if err := oneOf(here("opt_out", n, "part"), "part", o.Part, Parts); err != nil {
		return err
	}
	if slices.ContainsFunc(e.OptOut[:n], func(other OptOut) bool { return other.Part == o.Part }) {
		return refuse(here("opt_out", n, "part"), "take one out", "%s is left out twice", o.Part)
	}
	if _, err := time.Parse(time.DateOnly, o.Expires); err != nil {
		return refuse(here("opt_out", n, "expires"), `write it like "2027-01-31"`, "expires is %q, allowed is a date", o.Expires)
	}
	return nil
}
