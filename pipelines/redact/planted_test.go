package redact_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing/fstest"
)

// planted is one generated plan with what was put into it.
type planted struct {
	rng *rand.Rand
	// secrets are the planted ones, by where they were put.
	secrets map[string]string
	// computed are those that nothing marks: only that they are not in the code hides them.
	computed map[string]bool
	harmless []string

	variables, outputs, outputConfig, variableConfig map[string]any
	changes, drift, resources, data                  []any
	child                                            map[string]any
	childArguments                                   map[string]any
	hcl, tfvars, log                                 strings.Builder
	serial                                           int
}

type object = map[string]any

func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// secret makes a secret of one of the shapes that people and machines give them.
func (p *planted) secret(where string) string {
	p.serial++
	letters := func(n int, alphabet string) string {
		var b strings.Builder
		for range n {
			b.WriteByte(alphabet[p.rng.IntN(len(alphabet))])
		}
		return b.String()
	}
	lower := "bcdfghjkmnpqrstvwxz"
	var s string
	switch p.rng.IntN(8) {
	case 0:
		s = letters(16+p.rng.IntN(24), lower+strings.ToUpper(lower)+"0123456789")
	case 1:
		s = letters(40, "0123456789abcdef")
	case 2:
		s = letters(12, lower) + "!" + letters(3, "0123456789") + `"'\<&>%`
	case 3: // a passphrase of words of no dictionary
		s = letters(6, lower) + "-" + letters(7, lower) + "-" + letters(5, lower)
	case 4:
		s = letters(7, lower)
	case 5:
		s = "-----BEGIN PRIVATE KEY-----\n" + letters(64, lower+"ABCDEF0123") + "\n" + letters(64, lower+"+/") + "\n-----END PRIVATE KEY-----\n"
	case 6:
		s = letters(5, lower) + " " + letters(6, lower) + " " + letters(6, lower) // with spaces
	case 7:
		s = "Pä" + letters(8, lower) + "ß|" + letters(3, "0123456789")
	}
	p.secrets[fmt.Sprintf("%s/%d", where, p.serial)] = s
	return s
}

// literal makes a harmless text and puts it into the code.
func (p *planted) literal() string {
	p.serial++
	word := func() string {
		return pick(p.rng, []string{"orders", "billing", "catalogue", "search", "ledger", "gateway", "worker", "edge", "mail", "report"})
	}
	n := p.rng.IntN(900) + 100
	s := pick(p.rng, []string{
		fmt.Sprintf("%s-%s-%d", word(), word(), n), fmt.Sprintf("/app/%s/v%d/health", word(), n), fmt.Sprintf("arn:aws:s3:::%s-%d-logs", word(), n),
		fmt.Sprintf("10.%d.%d.0/24", n%250, p.rng.IntN(250)), fmt.Sprintf("%s.%s%d.example.com", word(), word(), n), fmt.Sprintf("db.r6g.%dxlarge", n),
		fmt.Sprintf("15.%d", n), fmt.Sprintf("cron(%d 3 * * ? *)", n), fmt.Sprintf("Team %s (%d)", word(), n), fmt.Sprintf("ami-0%d%dabcdef", n, n),
		fmt.Sprintf("%s_%s_%d", word(), word(), n), fmt.Sprintf("registry.example.com/%s:v1.%d", word(), n),
		fmt.Sprintf("arn:aws:iam::123456789012:role/%sServiceRoleV%dProduction", strings.ToUpper(word()), n), fmt.Sprintf("%s%dTokenRefreshHandler", word(), n),
		fmt.Sprintf("kms-%d-secrets", n), fmt.Sprintf("%d.dkr.ecr.eu-west-1.amazonaws.com/%s", 100000000000+n, word()), fmt.Sprintf("0 %d 1 * *", n),
		fmt.Sprintf("{%s: %d}", word(), n), fmt.Sprintf("%08x-1111-4222-8333-%012x", n*7919, n*104729), fmt.Sprintf("SELECT %s FROM t%d", word(), n),
	})
	p.harmless = append(p.harmless, s)
	fmt.Fprintf(&p.hcl, "locals { l%d = %s }\n", p.serial, quote(s))
	return s
}

func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s)
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strings.TrimSpace(b.String()))
}

func constant(v any) any { return object{"constant_value": v} }

func refers(to string) any { return object{"references": []any{to}} }

// resource adds a change and its configuration.
func (p *planted) resource(kind, key string, after, sensitive, unknown object, code object) {
	p.serial++
	name := fmt.Sprintf("r%d", p.serial)
	address := kind + "." + name
	index := any(nil)
	if key != "" {
		index = key
		address += "[" + quote(key) + "]"
	}
	change := object{"actions": []any{"create"}, "before": nil, "after": after, "after_sensitive": sensitive, "after_unknown": unknown, "before_sensitive": false}
	switch p.rng.IntN(4) {
	case 0:
		change["actions"], change["before"], change["before_sensitive"] = []any{"update"}, object{"id": "x-1", "region": "eu-west-1"}, object{}
	case 1: // all of it is deleted: the values stand in before
		change = object{"actions": []any{"delete"}, "before": after, "before_sensitive": sensitive, "after": nil, "after_sensitive": false, "after_unknown": object{}}
	case 2:
		change["actions"], change["before"], change["before_sensitive"] = []any{"delete", "create"}, object{"id": "x-1"}, object{}
		change["replace_paths"] = []any{[]any{"name"}}
	}
	r := object{"address": address, "mode": "managed", "type": kind, "name": name, "provider_name": "registry.terraform.io/acme/acme", "change": change}
	if index != nil {
		r["index"] = index
	}
	p.changes = append(p.changes, r)
	p.resources = append(p.resources, object{"address": kind + "." + name, "mode": "managed", "type": kind, "name": name, "expressions": code, "schema_version": 0})
}

// looked adds a data source that returned values.
func (p *planted) looked(values, sensitive object) {
	p.serial++
	name := fmt.Sprintf("d%d", p.serial)
	p.data = append(p.data, object{"address": "data.acme_lookup." + name, "mode": "data", "type": "acme_lookup", "name": name,
		"provider_name": "registry.terraform.io/acme/acme", "values": values, "sensitive_values": sensitive})
}

func generate(seed uint64) *planted {
	p := &planted{rng: rand.New(rand.NewPCG(seed, 42)), secrets: map[string]string{}, computed: map[string]bool{}, variables: object{}, outputs: object{},
		outputConfig: object{}, variableConfig: object{}, child: object{}, childArguments: object{}}
	steps := []func(){p.harmlessResource, p.sensitiveVariable, p.lookedUp, p.nested, p.script, p.encodedCopies, p.moduleInput, p.sets, p.listOfObjects,
		p.mapKeys, p.output, p.computedValue, p.drifted, p.literalWithSecret, p.instanceKeys, p.providerErrors}
	for _, step := range steps { // each once, then some again, in any order
		step()
	}
	for range p.rng.IntN(12) {
		steps[p.rng.IntN(len(steps))]()
	}
	p.rng.Shuffle(len(p.changes), func(i, j int) { p.changes[i], p.changes[j] = p.changes[j], p.changes[i] })
	return p
}

// plan is the plan's JSON in the order of Terraform, or sorted.
func (p *planted) plan() []byte {
	return marshal(object{
		"format_version": "1.2", "terraform_version": "1.11.4", "variables": p.variables, "resource_drift": p.drift, "resource_changes": p.changes,
		"output_changes": p.outputs, "planned_values": object{"root_module": object{}}, "applyable": true, "complete": true, "errored": false,
		"prior_state": object{"format_version": "1.0", "values": object{"root_module": object{"resources": p.data}}},
		"configuration": object{"root_module": object{"resources": p.resources, "variables": p.variableConfig, "outputs": p.outputConfig,
			"module_calls": object{"child": object{"source": "./child", "expressions": p.childArguments, "module": object{"variables": p.child}}}}},
	})
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return text
}

// files are the code of the unit.
func (p *planted) files() (fstest.MapFS, []string) {
	return fstest.MapFS{"main.tf": {Data: []byte(p.hcl.String())}, "dvlp.auto.tfvars": {Data: []byte(p.tfvars.String())}}, []string{"main.tf", "dvlp.auto.tfvars"}
}

func (p *planted) harmlessResource() {
	name, tag, list, action := p.literal(), p.literal(), p.literal(), p.literal()
	env := pick(p.rng, []string{"dvlp", "pprd", "prod"})
	p.serial++
	composed := fmt.Sprintf("%s-cluster-%d-%d", env, p.serial, p.rng.IntN(9)) // "${var.env}-cluster-N-${count.index}"
	fmt.Fprintf(&p.hcl, "locals { e%d = %q }\nlocals { c%d = \"${local.e%d}-cluster-%d-${count.index}\" }\n", p.serial, env, p.serial, p.serial, p.serial)
	p.harmless = append(p.harmless, composed)
	policy := string(marshal(object{"Version": "2012-10-17", "Statement": []any{object{"Effect": "Allow", "Action": action, "Resource": "*"}}}))
	p.resource("acme_service", "", object{"name": name, "cluster": composed, "tags": object{"Name": tag}, "cidr_blocks": []any{list}, "policy": policy, "size": 3, "enabled": true},
		object{"tags": object{}}, object{"id": true, "arn": true}, object{"name": constant(name), "policy": refers("local.policy")})
}

func (p *planted) sensitiveVariable() {
	s := p.secret("variable")
	p.serial++
	name := fmt.Sprintf("v%d", p.serial)
	p.variables[name] = object{"value": s}
	p.variableConfig[name] = object{"sensitive": true}
	fmt.Fprintf(&p.hcl, "variable %q {\n type = string\n sensitive = true\n default = %s\n}\n", name, quote(s))
	fmt.Fprintf(&p.tfvars, "%s = %s\n", name, quote(s))
	p.resource("acme_db", "", object{"name": p.literal(), "value": s, "description": s, "label": "prefix " + s + " suffix"}, object{"value": true}, object{},
		object{"value": refers("var." + name), "description": constant(s)}) // an unmarked copy, a literal too
}

func (p *planted) lookedUp() {
	s, t := p.secret("data"), p.secret("data-sensitive")
	p.looked(object{"result": s, "nested": object{"list": []any{object{"value": t}}}}, object{"nested": object{"list": []any{object{"value": true}}}})
	p.resource("acme_copy", "", object{"name": p.literal(), "content": s, "other": "x-" + t, "json": string(marshal(object{"a": []any{s}}))}, object{}, object{}, object{})
	p.outputs[fmt.Sprintf("looked%d", p.serial)] = object{"actions": []any{"create"}, "before": nil, "after": s, "after_unknown": false, "before_sensitive": false, "after_sensitive": false}
}

func (p *planted) nested() {
	s := p.secret("nested-json")
	inner := string(marshal(object{"user": "app", "deep": string(marshal(object{"key": s}))}))
	p.resource("acme_secret", "", object{"name": p.literal(), "blob": inner}, object{"blob": true}, object{}, object{})
	p.resource("acme_copy", "", object{"name": p.literal(), "content": inner, "value": s}, object{}, object{}, object{"value": constant(s)})
}

func (p *planted) script() {
	s := p.secret("user-data")
	script := "#!/bin/sh\nexport REGION=eu-west-1\nexport DB=" + s + "\nrun --with '" + s + "'\n"
	code := object{}
	if p.rng.IntN(2) == 0 {
		code["user_data"] = constant(script)
	}
	p.resource("acme_instance", "", object{"name": p.literal(), "user_data": script, "user_data_base64": base64.StdEncoding.EncodeToString([]byte(script)),
		"metadata": object{"startup_script": script}}, object{}, object{}, code)
}

// encodedCopies puts a sensitive value into the code in other encodings.
func (p *planted) encodedCopies() {
	s := p.secret("encoded")
	escaped := string(marshal(s))
	p.resource("acme_secret", "", object{"name": p.literal(), "value": s}, object{"value": true}, object{}, object{})
	for i, copied := range []string{base64.StdEncoding.EncodeToString([]byte(s)), base64.RawURLEncoding.EncodeToString([]byte("ab" + s)), hex.EncodeToString([]byte(s)),
		strings.ToUpper(hex.EncodeToString([]byte(s))), url.QueryEscape(s), "https://h/" + url.PathEscape(s), escaped[1 : len(escaped)-1],
		base64.StdEncoding.EncodeToString([]byte(base64.StdEncoding.EncodeToString([]byte(s))))} {
		fmt.Fprintf(&p.hcl, "locals { x%d_%d = %s }\n", p.serial, i, quote(copied))
		p.resource("acme_copy", "", object{"content": copied}, object{}, object{}, object{"content": constant(copied)})
	}
}

func (p *planted) moduleInput() {
	s := p.secret("module-input")
	name := fmt.Sprintf("i%d", p.serial)
	p.child[name] = object{"sensitive": true}
	p.childArguments[name] = constant(s)
	p.resource("acme_copy", "", object{"name": p.literal(), "content": s}, object{}, object{}, object{"content": refers("var." + name)})
}

func (p *planted) sets() {
	s, t := p.secret("set"), p.literal()
	p.resource("acme_group", "", object{"members": []any{t, s}}, object{"members": []any{false, true}}, object{}, object{})
	p.resource("acme_group", "", object{"members": []any{s}}, object{}, object{}, object{"members": constant([]any{s})})
}

func (p *planted) listOfObjects() {
	s := p.secret("list-of-objects")
	p.resource("acme_task", "", object{"environment": []any{object{"name": p.literal(), "value": s}, object{"name": "B", "value": p.literal()}}},
		object{"environment": []any{object{"value": true}, object{}}}, object{}, object{})
}

func (p *planted) mapKeys() {
	s, t := p.secret("map-key"), p.secret("map-key-looked-up")
	p.resource("acme_map", "", object{"entries": object{s: "x"}}, object{"entries": true}, object{}, object{})
	p.looked(object{"names": []any{t}}, object{})
	p.resource("acme_map", "", object{"entries": object{s: 1, t: true}, "tags": object{t: p.literal()}}, object{}, object{}, object{})
}

func (p *planted) output() {
	s := p.secret("output")
	p.outputs[fmt.Sprintf("o%d", p.serial)] = object{"actions": []any{"update"}, "before": s, "after": s + "2", "after_unknown": false, "before_sensitive": true, "after_sensitive": true}
	p.outputConfig[fmt.Sprintf("o%d", p.serial)] = object{"sensitive": true, "expression": constant(s)}
	p.resource("acme_copy", "", object{"content": s}, object{}, object{}, object{"content": constant(s)})
}

func (p *planted) computedValue() {
	s := p.secret("computed")
	p.computed[s] = true
	p.resource("acme_random", "", object{"result": s, "name": p.literal(), "keepers": object{s: "1"}}, object{}, object{}, object{})
}

func (p *planted) drifted() {
	s := p.secret("drift")
	p.drift = append(p.drift, object{"address": "acme_secret.drifted", "mode": "managed", "type": "acme_secret", "name": "drifted",
		"change": object{"actions": []any{"update"}, "before": object{"value": s}, "after": object{"value": "y"}, "before_sensitive": object{"value": true}, "after_sensitive": object{}}})
	p.resource("acme_copy", "", object{"content": s}, object{}, object{}, object{"content": constant(s)})
}

// literalWithSecret is a text of the code that holds what is sensitive elsewhere.
func (p *planted) literalWithSecret() {
	s := p.secret("within-literal")
	p.resource("acme_secret", "", object{"name": p.literal(), "value": s}, object{"value": true}, object{}, object{})
	text := "postgres://app:" + s + "@db.example.com/orders"
	fmt.Fprintf(&p.hcl, "locals { w%d = %s }\n", p.serial, quote(text))
	p.resource("acme_copy", "", object{"content": text, "arguments": []any{"--dsn", text}}, object{}, object{}, object{"content": constant(text)})
}

func (p *planted) instanceKeys() {
	s := p.secret("instance-key")
	p.looked(object{"ids": []any{s}}, object{})
	p.resource("acme_each", s, object{"name": p.literal()}, object{}, object{}, object{})
}

// providerErrors puts secrets into a log in ways that providers do.
func (p *planted) providerErrors() {
	s := p.secret("error")
	for _, text := range []string{
		"creating service: connecting to postgres://app:" + s + "@host: dial tcp: connection refused", `invalid value "` + s + `" for argument`,
		"request failed: {\"password\":\"" + s + "\"}: status code 400", "unexpected token " + s, "decoding " + base64.StdEncoding.EncodeToString([]byte(s)) + ": illegal input",
		"signature " + hex.EncodeToString([]byte(s)) + " does not match", "GET https://host/?q=" + url.QueryEscape(s) + " returned 403", "key=" + s, "(" + s + ")", "'" + s + "'",
	} {
		p.log.Write(marshal(object{"@level": "error", "@message": "Error: " + text, "type": "diagnostic", "diagnostic": object{"severity": "error",
			"summary": text, "detail": "the provider said: " + text + "\n" + s, "address": `acme_db.x["` + s + `"]`,
			"range": object{"filename": "main.tf", "start": object{"line": 3, "column": 1, "byte": 0}}, "snippet": object{"code": s, "values": []any{object{"traversal": "var.x", "statement": "is " + s}}}}}))
		p.log.WriteString("\n" + "panic: " + text + "\n")
	}
}
