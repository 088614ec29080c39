package config

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

// accepted is what the reader and the schema both take.
var accepted = []string{
	"version: 1\n",
	"\ufeffversion: 1\r\nunits: []\r\n",
	"---\nversion: 1\n...\n",
	`{"version": 1, "compliance": {}}`,
	"version: 1\nunits:\n  - {path: 'stacks/**', kind: live}\n  - {path: vendor, kind: ignore}\n",
	"version: 1\ncompliance:\n  policies: [policies, other/rules]\n  rules: {kms-rotation: {enabled: false}, a: {unknown: pass}, b: {}}\n",
	"version: 1\ncompliance:\n  settings:\n    allowed_ports: [1, 65535]\n    required_tags: [Owner]\n    disposable: [environment=dvlp, 'a=b=c']\n    bastion: {security_groups: [sg-1], cidrs: [10.1.2.0/24, '2001:db8::/32']}\n    custom: {any: {thing: [1, two, null, 1.5]}}\n",
	"version: 1\ncompliance:\n  waivers:\n    - {rule: a, unit: 'modules/*', owner: o, reason: c, expires: 2027-01-31}\n    - {rule: a, resource: 'aws_instance.web[\"a-b\"]', owner: o, reason: c, expires: '2027-01-31'}\n",
	"version: 1\nterratest: {parallel: 4, soft: 30m, hard: 45m, ttl: 24h, retries: 0, states: 's3://b/p', history: ./history}\n",
	"version: 1\nterratest:\n  accounts: [{name: sandbox, limit: 2, units: ['modules/rds*', 'tests/**']}]\n  examples: [{unit: examples/network, vars: [small.tfvars, ../big.tfvars], account: sandbox}]\n" +
		"  skip: [{case: 'tests/*:Test*', reason: r, owner: o, expires: 2027-01-31}]\n",
	inService(""),
	inService(", namespace: shop, image: 'localhost:5000/shop/orders', chart: {name: http-service}, secrets: {DB_PASSWORD: {key: shop/db, property: password}}"),
	inService(", chart: {repository: 'oci://registry.example.com/charts', name: redis, version: 1.0.0, digest: '" + someDigest + "'}"),
	inService(", bundle: {version: 1.4.0, digest: '" + someDigest + "', from: 's3://bundles/platform', signers: {platform: 'ed25519:x'}}"),
	inEnvironment(", enabled: false, boundary: 'arn:aws:iam::111111111111:policy/b', cluster: {name: c, context: k, identity: pod-identity, oidc_provider: oidc.example.com/id/1}"),
	inEnvironment(", opt_out: [{part: image, reason: r, owner: o, expires: 2027-01-31}]"),
}

const someDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// inService is a service with more keys.
func inService(more string) string {
	return "version: 1\nservice: {name: orders, owner: team-shop" + more + "}\n"
}

// inEnvironment is a service with one environment that has more keys.
func inEnvironment(more string) string {
	return "version: 1\nlive: {environments: [{name: dvlp}, {name: pprd}]}\nservice:\n  name: orders\n  owner: team-shop\n  environments:\n" +
		"    - {name: dvlp, account: '111111111111', region: eu-west-1" + more + "}\n"
}

// refused is what the reader refuses; meaning marks what a schema cannot see.
var refused = map[string]struct {
	text, want string
	meaning    bool
}{
	"unknown key":        {text: "version: 1\ncompliance:\n  rulez: {}\n", want: `penstock.yaml:3:3: there is no key "rulez"`},
	"unknown in list":    {text: "version: 1\nunits:\n  - path: a\n    kin: live\n", want: `penstock.yaml:4:5: there is no key "kin"`},
	"escape in key":      {text: "version: 1\n\x1b[31mx: 1\n", want: `penstock.yaml:2:1: there is no key "\x1b[31mx"`},
	"duplicate key":      {text: "version: 1\nversion: 1\n", want: "penstock.yaml:2:1:"},
	"duplicate inside":   {text: "version: 1\ncompliance: {settings: {custom: {a: 1, a: 2}}}\n", want: "penstock.yaml:2:40:"},
	"version":            {text: "version: 2\n", want: "penstock.yaml:1:1: version is 2, allowed is 1"},
	"version as text":    {text: "version: '1'\n", want: "penstock.yaml:1:10: version is text, allowed is a whole number"},
	"no version":         {text: "units: []\n", want: "penstock.yaml:1:1: there is no version"},
	"empty":              {text: "  \n", want: "it is empty"},
	"only comment":       {text: "# nothing\n", want: "it is empty"},
	"a list":             {text: "[]\n", want: "penstock.yaml:1:1: the file is a list, allowed is a mapping"},
	"text":               {text: "version\n", want: "the file is text"},
	"two documents":      {text: "version: 1\n---\nversion: 1\n", want: "penstock.yaml:2:1: it holds 2 documents", meaning: true},
	"anchors":            {text: "version: 1\nunits: &a []\n", want: "penstock.yaml:2:8: anchors and aliases", meaning: true},
	"merges":             {text: "version: 1\n<<: {units: []}\n", want: "penstock.yaml:2:1: anchors and aliases", meaning: true},
	"tags":               {text: "version: !!int 1\n", want: "penstock.yaml:1:10: tags", meaning: true},
	"no number":          {text: "version: 1\ncompliance: {settings: {custom: {a: .inf}}}\n", want: "penstock.yaml:2:37: numbers without a value"},
	"syntax":             {text: "version: [1\n", want: "penstock.yaml:1:"},
	"not UTF-8":          {text: "version: 1\nunits:\n- path: a\xff\n  kind: live\n", want: "penstock.yaml:3:10: it is not UTF-8", meaning: true},
	"nothing":            {text: "version: 1\nunits:\n", want: "units is empty, allowed is a list"},
	"nothing in list":    {text: "version: 1\nunits: [null]\n", want: "penstock.yaml:2:9: an item of units is empty, allowed is a mapping"},
	"nothing as rule":    {text: "version: 1\ncompliance: {rules: {a: }}\n", want: `"a" is empty, allowed is a mapping`},
	"list for mapping":   {text: "version: 1\ncompliance: []\n", want: "penstock.yaml:2:13: compliance is a list, allowed is a mapping"},
	"text for mapping":   {text: "version: 1\ncompliance: {rules: all}\n", want: "rules is text, allowed is a mapping"},
	"number for list":    {text: "version: 1\ncompliance: {settings: {allowed_ports: 443}}\n", want: "allowed_ports is a number, allowed is a list"},
	"number for text":    {text: "version: 1\nunits: [{path: 5, kind: live}]\n", want: "path is a number, allowed is text"},
	"text for bool":      {text: "version: 1\ncompliance: {rules: {a: {enabled: yes}}}\n", want: "enabled is text, allowed is true or false"},
	"no path":            {text: "version: 1\nunits: [{kind: live}]\n", want: "penstock.yaml:2:10: the unit rule has no path"},
	"kind":               {text: "version: 1\nunits:\n  - {path: a, kind: stack}\n", want: `penstock.yaml:3:15: kind is "stack", allowed are "module", "example"`},
	"glob":               {text: "version: 1\nunits:\n  - {path: '{a', kind: live}\n", want: `penstock.yaml:3:6: path is "{a", which is no glob`, meaning: true},
	"backslash":          {text: "version: 1\nunits:\n  - {path: 'a\\/', kind: live}\n", want: "without a backslash", meaning: true},
	"port":               {text: "version: 1\ncompliance:\n  settings:\n    allowed_ports: [70000]\n", want: "penstock.yaml:4:21: the port is 70000, allowed are 1 to 65535"},
	"port 0":             {text: "version: 1\ncompliance: {settings: {allowed_ports: [0]}}\n", want: "the port is 0"},
	"half a port":        {text: "version: 1\ncompliance: {settings: {allowed_ports: [22.5]}}\n", want: "an item of allowed_ports is a number, allowed is a whole number"},
	"no tag and value":   {text: "version: 1\ncompliance: {settings: {disposable: [dvlp]}}\n", want: `"dvlp" is no tag with its value`},
	"every value":        {text: "version: 1\ncompliance: {settings: {disposable: ['environment=']}}\n", want: `"environment=" is no tag with its value`},
	"no tag":             {text: "version: 1\ncompliance: {settings: {required_tags: ['']}}\n", want: "the required tag is empty"},
	"no group":           {text: "version: 1\ncompliance: {settings: {bastion: {security_groups: ['']}}}\n", want: "the security group is empty"},
	"cidr":               {text: "version: 1\ncompliance: {settings: {bastion: {cidrs: [all]}}}\n", want: `"all" is not an address range`},
	"cidr too long":      {text: "version: 1\ncompliance: {settings: {bastion: {cidrs: [10.0.0.0/33]}}}\n", want: "is not an address range", meaning: true},
	"cidr of all":        {text: "version: 1\ncompliance: {settings: {bastion: {cidrs: ['::/0']}}}\n", want: `"::/0" is the whole world`, meaning: true},
	"policies outside":   {text: "version: 1\ncompliance: {policies: [../rules]}\n", want: "is not below the root", meaning: true},
	"policies rooted":    {text: "version: 1\ncompliance: {policies: [/rules]}\n", want: "is not below the root"},
	"policies all":       {text: "version: 1\ncompliance: {policies: [./]}\n", want: "is not below the root", meaning: true},
	"policies twice":     {text: "version: 1\ncompliance: {policies: [rules, ./rules/]}\n", want: "is named twice", meaning: true},
	"unknown is":         {text: "version: 1\ncompliance: {rules: {a: {unknown: fail}}}\n", want: `penstock.yaml:2:26: unknown is "fail", allowed are "unknown", "pass"`},
	"waiver for all":     {text: "version: 1\ncompliance:\n  waivers:\n    - {rule: a, owner: b, reason: c, expires: 2027-01-01}\n", want: "penstock.yaml:4:8: the waiver would excuse everything"},
	"waiver no owner":    {text: "version: 1\ncompliance:\n  waivers:\n    - {rule: a, unit: b, reason: c, expires: 2027-01-01}\n", want: "has no owner"},
	"waiver blank":       {text: "version: 1\ncompliance:\n  waivers:\n    - {rule: a, unit: b, owner: '', reason: c, expires: 2027-01-01}\n", want: "penstock.yaml:4:26: the waiver has no owner"},
	"waiver date":        {text: "version: 1\ncompliance:\n  waivers:\n    - {rule: a, unit: b, owner: o, reason: c, expires: soon}\n", want: `expires is "soon"`},
	"waiver no day":      {text: "version: 1\ncompliance:\n  waivers:\n    - {rule: a, unit: b, owner: o, reason: c, expires: 2027-02-29}\n", want: `expires is "2027-02-29"`},
	"waiver time":        {text: "version: 1\ncompliance:\n  waivers:\n    - {rule: a, unit: b, owner: o, reason: c, expires: 2027-01-31T00:00:00Z}\n", want: "allowed is a date"},
	"waiver glob":        {text: "version: 1\ncompliance:\n  waivers:\n    - {rule: a, resource: 'a.{b', owner: o, reason: c, expires: 2027-01-31}\n", want: "which is no glob", meaning: true},
	"lifetime":           {text: "version: 1\nlive: {expires: soon}\n", want: `penstock.yaml:2:8: expires is "soon"`},
	"environment":        {text: "version: 1\nlive: {environments: [{name: Prod}]}\n", want: `penstock.yaml:2:24: the name of the environment is "Prod"`},
	"environment x2":     {text: "version: 1\nlive: {environments: [{name: a}, {name: a}]}\n", want: `the environment "a" is there twice`, meaning: true},
	"environment glob":   {text: "version: 1\nlive: {environments: [{name: a, paths: ['{x']}]}\n", want: "which is no glob", meaning: true},
	"no backend":         {text: "version: 1\nlive: {environments: [{name: a, backend: {config: {path: x}}}]}\n", want: "the backend has no type", meaning: true},
	"placeholder":        {text: "version: 1\nlive: {environments: [{name: a, backend: {type: local, config: {path: '{environment}/x'}}}]}\n", want: `there is no placeholder "{environment}"`, meaning: true},
	"backend type":       {text: "version: 1\nlive: {environments: [{name: a, backend: {type: S3}}]}\n", want: `the type of the backend is "S3"`},
	"no such approver":   {text: "version: 1\nlive: {environments: [{name: a, approvers: [x]}]}\n", want: `there is no approver "x"`, meaning: true},
	"approve when":       {text: "version: 1\nlive: {environments: [{name: a, approve: never}]}\n", want: `approve is "never"`},
	"approvals by":       {text: "version: 1\nlive: {environments: [{name: a, approvals: github}]}\n", want: `penstock.yaml:2:33: approvals is "github", allowed are "signed", "forge"`},
	"recipient":          {text: "version: 1\nlive:\n  recipients:\n    - age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n    - age1ql3z7\n", want: `penstock.yaml:5:7: recipients: the recipient "age1ql3z7" is not an age public key`, meaning: true},
	"secret recipient":   {text: "version: 1\nlive: {recipients: [AGE-SECRET-KEY-1QQQ]}\n", want: "penstock.yaml:2:21: recipients: a recipient is a secret key of age", meaning: true},
	"signer":             {text: "version: 1\nlive: {signers: {ci: 'ed25519:AAAA'}}\n", want: `penstock.yaml:2:18: the key of "ci" in signers: "ed25519:AAAA" is not an ed25519 public key`, meaning: true},
	"approver":           {text: "version: 1\nlive:\n  approvers:\n    ines: a-private-thing\n", want: `penstock.yaml:4:5: the key of "ines" in approvers: a public key begins with "ed25519:" or "ssh-ed25519"`, meaning: true},
	"rooted variables":   {text: "version: 1\nlive: {environments: [{name: a, var_files: [/etc/x]}]}\n", want: `the variable file is "/etc/x"`, meaning: true},
	"unit alone":         {text: "version: 1\nlive: {units: [{path: a}]}\n", want: "the unit needs a path and what it comes after", meaning: true},
	"ignored for ever":   {text: "version: 1\nlive: {drift: {ignore: [{resource: a, attribute: b, reason: c}]}}\n", want: "has no expires"},
	"waiver backslash":   {text: "version: 1\ncompliance:\n  waivers:\n    - {rule: a, resource: 'a.b\\[', owner: o, reason: c, expires: 2027-01-31}\n", want: "without a backslash", meaning: true},
	"service no owner":   {text: "version: 1\nservice: {name: orders}\n", want: "penstock.yaml:2:1: the service has no owner"},
	"service name":       {text: "version: 1\nservice: {name: Orders, owner: o}\n", want: `penstock.yaml:2:11: the name of the service is "Orders"`},
	"service namespace":  {text: inService(", namespace: a_b"), want: `the namespace of the service is "a_b"`},
	"bundle version":     {text: inService(", bundle: {version: latest, from: x}"), want: `the version of the bundle is "latest"`},
	"bundle digest":      {text: inService(", bundle: {digest: 'sha256:12', from: x}"), want: `the digest of the bundle is "sha256:12"`},
	"bundle nowhere":     {text: inService(", bundle: {version: 1.0.0}"), want: "the bundle has no from", meaning: true},
	"image with tag":     {text: inService(", image: 'registry:5000/shop/orders:1.0'"), want: "allowed is a repository without tag", meaning: true},
	"chart with version": {text: inService(", chart: {name: http-service, version: 1.0.0}"), want: "is pinned with the bundle", meaning: true},
	"chart unpinned":     {text: inService(", chart: {repository: 'oci://r/c', name: redis, version: 1.0.0}"), want: "there is no digest", meaning: true},
	"chart by http":      {text: inService(", chart: {repository: 'http://r/c', name: redis, version: 1.0.0, digest: '" + someDigest + "'}"), want: `the repository of the chart is "http://r/c"`, meaning: true},
	"secret in small":    {text: inService(", secrets: {db: {key: k}}"), want: `the secret is named "db"`, meaning: true},
	"secret by value":    {text: inService(", secrets: {DB: hunter2}"), want: `"DB" is text, allowed is a mapping`},
	"service account":    {text: "version: 1\nlive: {environments: [{name: a}]}\nservice: {name: orders, owner: o, environments: [{name: a, account: '12', region: r}]}\n", want: `the account is "12"`},
	"account as number":  {text: "version: 1\nlive: {environments: [{name: a}]}\nservice: {name: orders, owner: o, environments: [{name: a, account: 111111111111, region: r}]}\n", want: "account is a number, allowed is text"},
	"service elsewhere":  {text: "version: 1\nlive: {environments: [{name: a}]}\nservice: {name: orders, owner: o, environments: [{name: b, account: '111111111111', region: r}]}\n", want: `penstock.yaml:3:51: there is no environment "b" in live.environments`, meaning: true},
	"service twice":      {text: inEnvironment("") + "    - {name: dvlp, account: '111111111111', region: r}\n", want: `penstock.yaml:8:8: the environment "dvlp" of the service is there twice`, meaning: true},
	"boundary":           {text: inEnvironment(", boundary: b"), want: `the permission boundary is "b"`, meaning: true},
	"identity":           {text: inEnvironment(", cluster: {identity: kiam}"), want: `identity is "kiam", allowed are "irsa", "pod-identity"`},
	"issuer":             {text: inEnvironment(", cluster: {oidc_provider: 'https://x'}"), want: `the issuer is "https://x"`, meaning: true},
	"opt-out no reason":  {text: inEnvironment(", opt_out: [{part: image, owner: o, expires: 2027-01-31}]"), want: "the opt-out has no reason"},
	"opt-out no part":    {text: inEnvironment(", opt_out: [{part: tests, reason: r, owner: o, expires: 2027-01-31}]"), want: `part is "tests", allowed are "image"`},
	"opt-out twice":      {text: inEnvironment(", opt_out: [{part: image, reason: r, owner: o, expires: 2027-01-31}, {part: image, reason: s, owner: o, expires: 2027-01-31}]"), want: "image is left out twice", meaning: true},
	"soft":               {text: "version: 1\nterratest: {soft: 30}\n", want: "soft is a number, allowed is text"},
	"soft 0":             {text: "version: 1\nterratest: {soft: 0m}\n", want: `penstock.yaml:2:13: soft is "0m"`},
	"two times":          {text: "version: 1\nterratest: {ttl: 1h30m}\n", want: `ttl is "1h30m"`},
	"hard too soon":      {text: "version: 1\nterratest: {soft: 30m, hard: 1800s}\n", want: "hard is 1800s, which is not after soft, 30m", meaning: true},
	"retries":            {text: "version: 1\nterratest: {retries: 10}\n", want: "retries is 10"},
	"parallel":           {text: "version: 1\nterratest: {parallel: -1}\n", want: "parallel is -1"},
	"test account":       {text: "version: 1\nterratest: {accounts: [{name: a, limit: 0}]}\n", want: "the limit is 0"},
	"test account x2":    {text: "version: 1\nterratest: {accounts: [{name: a, limit: 1}, {name: a, limit: 2}]}\n", want: `the account "a" is there twice`, meaning: true},
	"test account glob":  {text: "version: 1\nterratest: {accounts: [{name: a, limit: 1, units: ['{x']}]}\n", want: "which is no glob", meaning: true},
	"example without":    {text: "version: 1\nterratest: {examples: [{unit: a, vars: []}]}\n", want: `the example "a" has no files of variables`},
	"example outside":    {text: "version: 1\nterratest: {examples: [{unit: ../a, vars: [b]}]}\n", want: `the unit is "../a"`, meaning: true},
	"example twice":      {text: "version: 1\nterratest: {examples: [{unit: a, vars: [b]}, {unit: a, vars: [c]}]}\n", want: `the example "a" is there twice`, meaning: true},
	"example vars twice": {text: "version: 1\nterratest: {examples: [{unit: a, vars: [b, b]}]}\n", want: `"b" is named twice`, meaning: true},
	"example option":     {text: "version: 1\nterratest: {examples: [{unit: a, vars: [-destroy]}]}\n", want: `the file of variables is "-destroy"`, meaning: true},
	"example account":    {text: "version: 1\nterratest: {examples: [{unit: a, vars: [b], account: c}]}\n", want: `there is no account "c"`, meaning: true},
	"skip no owner":      {text: "version: 1\nterratest: {skip: [{case: 'a:b', reason: r, expires: 2027-01-31}]}\n", want: "the skipped case has no owner"},
	"skip all":           {text: "version: 1\nterratest: {skip: [{case: '**', reason: r, owner: o, expires: 2027-01-31}]}\n", want: "allowed is UNIT:NAME"},
	"skip for ever":      {text: "version: 1\nterratest: {skip: [{case: 'a:b', reason: r, owner: o, expires: never}]}\n", want: `expires is "never"`},
	"skip glob":          {text: "version: 1\nterratest: {skip: [{case: '{a:b', reason: r, owner: o, expires: 2027-01-31}]}\n", want: "which is no glob", meaning: true},
	"opt-out for ever":   {text: inEnvironment(", opt_out: [{part: image, reason: r, owner: o, expires: never}]"), want: `expires is "never"`},
}

func TestReadRefuses(t *testing.T) {
	for name, test := range refused {
		t.Run(name, func(t *testing.T) {
			c, err := Read(File, []byte(test.text))
			var known *Error
			if c != nil || !errors.As(err, &known) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
				t.Errorf("a control character came through: %q", err)
			}
		})
	}
}

func TestHintNamesTheNearestKey(t *testing.T) {
	for text, want := range map[string]string{
		"version: 1\nUnits: []\n":                        `write "units"; allowed here: version, units, compliance, live, service, image, terratest, release`,
		"version: 1\ncompliance: {waiver: []}\n":         `write "waivers"; allowed here: policies, settings, rules, waivers`,
		"version: 1\ncolour: red\n":                      "allowed here: version, units, compliance, live, service, image, terratest, release",
		"version: 1\ncompliance: {settings: {tag: 1}}\n": "allowed here: allowed_ports, bastion, required_tags, disposable, custom",
	} {
		_, err := Read(File, []byte(text))
		var known *Error
		if !errors.As(err, &known) || known.Cause.Hint != want {
			t.Errorf("%q: got %+v, want %q", text, err, want)
		}
	}
}

func TestReadFillsInPlaces(t *testing.T) {
	c := read(t, `version: 1
units:
  - path: "stacks/*"
    kind: live
compliance:
  policies: [./policies/]
  rules:
    kms-rotation:
      enabled: false
  waivers:
    - rule: open-ports
      unit: modules/*
      owner: team-network
      reason: moves behind the load balancer
      expires: 2027-01-31
`)
	if w := c.Compliance.Waivers[0]; w.Expires != "2027-01-31" || w.Position.Path != File || w.Position.Line != 11 || w.Position.Column != 7 {
		t.Errorf("the waiver is %+v", w)
	}
	if r := c.Compliance.Rules["kms-rotation"]; *r.Enabled || r.Position.Line != 8 {
		t.Errorf("the rule is %+v", r)
	}
	if c.Units[0].Position.Line != 3 || c.Compliance.Policies[0] != "policies" {
		t.Errorf("got %+v", c)
	}
}

// A small file that means a large one, or that takes long to parse, is refused
// before the YAML library sees it: 100,000 brackets take it half a minute.
func TestReadRefusesAnExplosion(t *testing.T) {
	within := "version: 1\ncompliance:\n  settings:\n    custom:\n      a: "
	for text, want := range map[string]string{
		"version: 1\na: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n": "anchors and aliases are not allowed",
		"version: 1 #" + strings.Repeat("x", Limit):                   "over 1048576 bytes",
		within + strings.Repeat("[", 500_000):                         "penstock.yaml:5:110: it is nested more than 100 deep",
		within + strings.Repeat("{a: ", 200_000):                      "nested more than 100 deep",
		within + "\n       " + strings.Repeat("- ", 400_000):          "nested more than 100 deep",
		within + "\n       " + strings.Repeat("? ", 400_000):          "nested more than 100 deep",
	} {
		_, err := Read(File, []byte(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	// Brackets that are text nest nothing.
	read(t, within+"'"+strings.Repeat("[", 1000)+"'\n")
}

func TestLoad(t *testing.T) {
	c, err := Load(fstest.MapFS{})
	if err != nil || c.Version != 1 {
		t.Errorf("without a file: %+v, %v", c, err)
	}
	c, err = Load(fstest.MapFS{File: {Data: []byte("version: 1\nunits: [{path: a, kind: live}]\n")}})
	if err != nil || len(c.Units) != 1 {
		t.Errorf("with a file: %+v, %v", c, err)
	}
	if _, err := Load(unreadable{}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that cannot be read is not one that is not there: %v", err)
	}
	for _, mode := range []fs.FileMode{fs.ModeDir, fs.ModeNamedPipe} {
		if _, err := Load(fstest.MapFS{File: {Mode: mode}}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

type unreadable struct{}

func (unreadable) Open(name string) (fs.File, error) {
	return nil, fmt.Errorf("opening %s: %w", name, fs.ErrPermission)
}
