package risk

import (
	"encoding/json"
	"strings"
)

// policy is what a policy document says, as far as widening goes.
type policy struct{ statements []statement }

type statement struct {
	allow      bool
	principals []string // "AWS arn:..."; none where the policy belongs to who acts
	actions    []string
	resources  []string
	conditions string
	// inverted: NotAction, NotResource or NotPrincipal, which is judged by equality only.
	inverted bool
	text     string
}

// parsePolicy reads the policy language of AWS and its like.
func parsePolicy(v any) (policy, bool) {
	text, ok := v.(string)
	if !ok {
		return policy{}, false
	}
	var document struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(text), &document) != nil || document.Statement == nil {
		return policy{}, false
	}
	var list []map[string]any
	if json.Unmarshal(document.Statement, &list) != nil {
		var one map[string]any
		if json.Unmarshal(document.Statement, &one) != nil {
			return policy{}, false
		}
		list = []map[string]any{one}
	}
	var p policy
	for _, s := range list {
		read, ok := parseStatement(s)
		if !ok {
			return policy{}, false
		}
		p.statements = append(p.statements, read)
	}
	return p, true
}

func parseStatement(s map[string]any) (statement, bool) {
	out := statement{}
	switch s["Effect"] {
	case "Allow":
		out.allow = true
	case "Deny":
	default:
		return out, false
	}
	for key := range s {
		switch key {
		case "Sid", "Effect", "Principal", "Action", "Resource", "Condition":
		default: // NotAction and so on, or what nobody knows
			out.inverted = true
		}
	}
	out.actions, out.resources = leaves(s["Action"]), leaves(s["Resource"])
	for i, action := range out.actions {
		out.actions[i] = strings.ToLower(action)
	}
	switch p := s["Principal"].(type) {
	case string:
		out.principals = []string{"AWS " + p}
	case map[string]any:
		for kind, who := range p {
			for _, name := range leaves(who) {
				out.principals = append(out.principals, kind+" "+name)
			}
		}
	}
	conditions, _ := json.Marshal(s["Condition"])
	out.conditions = string(conditions)
	delete(s, "Sid")
	whole, _ := json.Marshal(s)
	out.text = string(whole)
	return out, true
}

// covers tells whether everything that the other policy allows was allowed.
func (p policy) covers(other policy) bool {
	for _, s := range other.statements {
		if s.allow && !p.coversStatement(s) {
			return false
		}
	}
	return true
}

func (p policy) coversStatement(s statement) bool {
	for _, known := range p.statements {
		if known.allow && known.text == s.text {
			return true
		}
	}
	if s.inverted || len(s.actions) == 0 {
		return false
	}
	for _, action := range s.actions {
		for _, resource := range orOne(s.resources) {
			for _, who := range orOne(s.principals) {
				if !p.allows(s, action, resource, who) {
					return false
				}
			}
		}
	}
	return true
}

// orOne lets a list that does not apply be looped over once.
func orOne(list []string) []string {
	if len(list) == 0 {
		return []string{""}
	}
	return list
}

func (p policy) allows(s statement, action, resource, who string) bool {
	for _, known := range p.statements {
		if !known.allow || known.inverted || known.conditions != "null" && known.conditions != s.conditions {
			continue
		}
		if anyMatch(known.actions, action) && anyMatch(orOne(known.resources), resource) && anyMatch(orOne(known.principals), who) {
			return true
		}
	}
	return false
}

// keepsDenials tells whether every denial of the other policy is still there.
func (p policy) keepsDenials(other policy) bool {
	for _, s := range other.statements {
		found := s.allow
		for _, kept := range p.statements {
			found = found || !kept.allow && kept.text == s.text
		}
		if !found {
			return false
		}
	}
	return true
}

// wild tells whether anything is granted by wildcard, or to everybody.
func (p policy) wild() bool {
	for _, s := range p.statements {
		if !s.allow {
			continue
		}
		if s.inverted {
			return true
		}
		for _, action := range s.actions {
			if action == "*" || strings.HasSuffix(action, ":*") {
				return true
			}
		}
		for _, who := range s.principals {
			if strings.HasSuffix(who, " *") {
				return true
			}
		}
		for _, resource := range s.resources {
			if resource == "*" && writes(s.actions) {
				return true
			}
		}
	}
	return false
}

// writes tells whether any action does more than look.
func writes(actions []string) bool {
	for _, action := range actions {
		_, verb, _ := strings.Cut(action, ":")
		reading := false
		for _, prefix := range []string{"get", "list", "describe", "head", "view", "lookup", "batchget", "search"} {
			reading = reading || strings.HasPrefix(verb, prefix)
		}
		if !reading {
			return true
		}
	}
	return false
}

// outsiders tells whether rights go to more than services of the provider.
func (p policy) outsiders() bool {
	for _, s := range p.statements {
		for _, who := range s.principals {
			if s.allow && !strings.HasPrefix(who, "Service ") {
				return true
			}
		}
	}
	return false
}

// anyMatch tells whether a pattern with stars matches all that the text, itself
// maybe with stars, stands for.
func anyMatch(patterns []string, text string) bool {
	for _, pattern := range patterns {
		if match(pattern, text) {
			return true
		}
	}
	return false
}

// match matches "*" to any text, and "?" to one character that is no star.
func match(pattern, text string) bool {
	p, t, star, from := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, from = p, t
			p++
		case p < len(pattern) && (pattern[p] == text[t] || pattern[p] == '?' && text[t] != '*'):
			p++
			t++
		case star >= 0:
			p, from = star+1, from+1
			t = from
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
