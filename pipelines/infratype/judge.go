package infratype

import (
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/penstock-dev/penstock/policies"
)

var (
	typeName    = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	moduleName  = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	prefixName  = regexp.MustCompile(`^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$`)
	property    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	actionName  = regexp.MustCompile(`^[a-z0-9-]+:[A-Z][A-Za-z0-9]*$`)
	placeholder = regexp.MustCompile(`\{[^}]*\}?|\}`)
	ruleID      = regexp.MustCompile(`(?m)^#   id: (\S+)$`)
)

// Placeholders are those of the ARNs of a contract.
var Placeholders = []string{"partition", "region", "account", "environment", "service", "name"}

// judge says what is wrong with a contract itself, and with what lies beside it.
func (c *Contract) judge(fsys fs.FS, s *source) (wrong []error) {
	say := func(hint, format string, args []any, steps ...any) {
		wrong = append(wrong, refuse(s.at(steps...), hint, format, args...))
	}
	a := func(args ...any) []any { return args }
	if c.Schema != Schema {
		say("write schema: "+Schema, "the schema is %q", a(c.Schema), "schema")
	}
	if !typeName.MatchString(c.Type) {
		say("write lower-case words with _ between them, such as sqs_queues", "%q is no name of a type", a(c.Type), "type")
	}
	if dir := path.Base(path.Dir(s.name)); c.Module != dir || !moduleName.MatchString(dir) {
		say("write module: "+dir, "the module is %q, its directory %q", a(c.Module, dir), "module")
	}
	if !prefixName.MatchString(c.Prefix) {
		say("write upper-case words with _ between them, such as SQS", "%q is no prefix of environment variables", a(c.Prefix), "prefix")
	}
	if strings.TrimSpace(c.Summary) == "" || strings.Contains(c.Summary, "\n") {
		say("say in one line what is made", "there is no summary of one line", nil, "summary")
	}
	if c.Access == nil {
		say("write access: {} where there is nothing to call", "there is no access", nil, "access")
	}
	wrong = append(wrong, c.judgeAccess(s)...)
	wrong = append(wrong, c.judgeParameters(s)...)
	if len(c.Policies) == 0 {
		say("name the rules of docs/rules.md that judge what the module makes", "there are no policies", nil, "policies")
	}
	known := rules()
	for i, id := range c.Policies {
		if !slices.Contains(known, id) || slices.Index(c.Policies, id) != i {
			say("see docs/rules.md for the rules that there are", "there is no rule %q, or it stands there twice", a(id), "policies", i)
		}
	}
	module := path.Dir(s.name)
	if !holds(fsys, module, c.Example, "*.tf") {
		say("write an example that calls the module and can be planned", "the example %q holds no *.tf", a(c.Example), "example")
	}
	if !holds(fsys, module, c.Tests, "*.tftest.hcl") {
		say("write tests that terraform test runs", "the directory %q of the tests holds no *.tftest.hcl", a(c.Tests), "tests")
	}
	return wrong
}

// holds says whether a directory of the module holds a file that matches.
func holds(fsys fs.FS, module, dir, pattern string) bool {
	if !fs.ValidPath(dir) || dir == "." {
		return false
	}
	entries, err := fs.ReadDir(fsys, path.Join(module, dir))
	return err == nil && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		match, _ := path.Match(pattern, e.Name())
		return match && e.Type().IsRegular()
	})
}

func (c *Contract) judgeAccess(s *source) (wrong []error) {
	for _, word := range slices.Sorted(maps.Keys(c.Access)) {
		if !moduleName.MatchString(word) {
			wrong = append(wrong, refuse(s.at("access", word), "write lower-case words with - between them", "%q is no word of access", word))
		}
		if len(c.Access[word]) == 0 {
			wrong = append(wrong, refuse(s.at("access", word), "give it actions, or take it out", "the word %q allows nothing", word))
		}
		for i, statement := range c.Access[word] {
			at := func(steps ...any) []any { return append([]any{"access", word, i}, steps...) }
			if len(statement.Actions) == 0 {
				wrong = append(wrong, refuse(s.at(at()...), "name the actions", "a statement of %q allows nothing", word))
			}
			for j, action := range statement.Actions {
				if !actionName.MatchString(action) {
					wrong = append(wrong, refuse(s.at(at("actions", j)...), "name each action in full, such as sqs:SendMessage: no wildcard", "%q is no exact action", action))
				}
			}
			if through := statement.Through; through != "" && through != RolePolicy && through != ResourcePolicy {
				wrong = append(wrong, refuse(s.at(at("through")...), "", "through is %q, allowed are %s and %s", through, RolePolicy, ResourcePolicy))
			} else if (through == ResourcePolicy) != (len(statement.Resources) == 0) {
				wrong = append(wrong, refuse(s.at(at()...), "name the resources, or grant through: "+ResourcePolicy+", which has none",
					"a statement of %q names no resources, or some that the resource's own policy does not need", word))
			}
			for j, arn := range statement.Resources {
				if hint, what := judgeARN(arn); what != "" {
					wrong = append(wrong, refuse(s.at(at("resources", j)...), hint, "%q %s", arn, what))
				}
			}
		}
	}
	return wrong
}

// judgeARN says what is wrong with the template of an ARN.
func judgeARN(arn string) (hint, what string) {
	allowed := "allowed are {" + strings.Join(Placeholders, "}, {") + "}"
	for _, found := range placeholder.FindAllString(arn, -1) {
		if !slices.Contains(Placeholders, strings.Trim(found, "{}")) || !strings.HasPrefix(found, "{") || !strings.HasSuffix(found, "}") {
			return allowed, "has the unknown placeholder " + found
		}
	}
	parts := strings.SplitN(arn, ":", 6)
	switch {
	case len(parts) != 6 || parts[0] != "arn" || parts[1] != "{partition}" || !moduleName.MatchString(parts[2]) || parts[5] == "":
		return "write it like arn:{partition}:sqs:{region}:{account}:{environment}-{service}-{name}", "is no ARN"
	case !strings.Contains(parts[5], "{environment}-{service}-{name}"):
		return "name what the module makes: ENVIRONMENT-SERVICE-NAME", "is not of one resource of one service: {environment}-{service}-{name} is not in it"
	case strings.ContainsAny(strings.TrimSuffix(arn, "/*"), "*?"):
		return "a * may stand at the end only, after a /: what lies within one resource", "is not exact"
	}
	return "", ""
}

func (c *Contract) judgeParameters(s *source) (wrong []error) {
	if len(c.Parameters) == 0 {
		wrong = append(wrong, refuse(s.at("parameters"), "name what the module writes to SSM, and write it", "there are no parameters"))
	}
	seen := map[string]bool{}
	for i, p := range c.Parameters {
		at := s.at("parameters", i)
		switch {
		case !typeName.MatchString(p.Name):
			wrong = append(wrong, refuse(at, "write lower-case words with _ between them", "%q is no name of a parameter", p.Name))
		case seen[p.Name]:
			wrong = append(wrong, refuse(at, "take one out", "the parameter %q stands there twice", p.Name))
		case strings.TrimSpace(p.Description) == "":
			wrong = append(wrong, refuse(at, "say in one line what it holds", "the parameter %q has no description", p.Name))
		case !p.Secret && len(p.Properties) > 0:
			wrong = append(wrong, refuse(at, "write secret: true where it is the ARN of a secret", "the parameter %q has properties and is no secret", p.Name))
		case slices.ContainsFunc(p.Properties, func(name string) bool { return !property.MatchString(name) }):
			wrong = append(wrong, refuse(at, "name them as the secret does", "a property of %q is no name", p.Name))
		}
		seen[p.Name] = true
	}
	return wrong
}

// rules are the ids of the built-in rules. They are read from the text of the rules:
// to compile them is the work of the compliance stage.
func rules() (ids []string) {
	_ = fs.WalkDir(policies.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := policies.FS.ReadFile(name)
		for _, found := range ruleID.FindAllSubmatch(text, -1) {
			ids = append(ids, string(found[1]))
		}
		return err
	}) // an embedded file can be read
	return ids
}
