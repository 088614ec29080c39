package skim

import (
	"strings"
	"testing"
)

// What is said to be plain is held against the parser and terraform's constructs in
// package terraform, and against the catalog's tree there; here is what it knows.

func TestPlain(t *testing.T) {
	for _, src := range []string{
		"", "\n\n# only a comment, é\n", "a = 1\n", "a = -1.5 # c\n", "a {\n}\n", "a \"b\" \"c\" {}\n", "a { // c\n  b = c\n  d {\n    b = c\n  }\n}\n",
		"a = \"b ${c.d[0].e[*].f} \\\"${upper(\"x\")}\\\" $ % é\"\n", "a = !b && (c == d || e <= 1) ? f : g - -1 / 2\n",
		"a = [\n  1, # one\n  b,\n]\n", "a = { b = 1, \"c-${d}\" : 2, (e) = {} }\n", "a = {\n  b = merge(\n    c,\n    { d = 1 },\n  )\n\n  e = [{\n    f = 1\n  }]\n}\n",
		"a = <<-EOT\n  b\n    EOT\nc = 1\n", "variable \"a\" {\n  type = list(string)\n}\n", "a \"b\" {\n  type = \"list\"\n}\n",
	} {
		if !Plain([]byte(src), nil) {
			t.Errorf("left to the parser: %q", src)
		}
	}
}

func TestNotPlain(t *testing.T) {
	for name, src := range map[string]string{
		"interpolation":      "a = \"${b}\"\n",
		"old type":           "variable \"a\" {\n  type = \"string\"\n}\n",
		"old type, bare":     "variable \"a\" {\n  type = list\n}\n",
		"old type, heredoc":  "variable \"a\" {\n  type = <<A\nA\n}\n",
		"bare label":         "a b {\n}\n",
		"escaped label":      "a \"b\\\"c\" {\n}\n",
		"argument twice":     "a = 1\na = 2\n",
		"no end of line":     "a = 1",
		"open block":         "a {\n",
		"closed twice":       "a {\n}\n}\n",
		"two in one line":    "a = 1 b = 2\n",
		"block in one line":  "a { b = 1 }\n",
		"end of an operator": "a = 1 +\n  2\n",
		"broken index":       "a = b[\n",
		"open string":        "a = \"b\n",
		"open heredoc":       "a = <<EOT\nb\n",
		"for":                "a = [for b in c : b]\n",
		"for in an object":   "a = {for b in c : b => b}\n",
		"directive":          "a = \"b %{if c}d%{endif}\"\n",
		"in a heredoc":       "a = <<A\n${b}\nA\n",
		"namespace":          "a = core::file(\"b\")\n",
		"expansion":          "a = b(c...)\n",
		"inline comment":     "a = /* b */ 1\n",
		"tab":                "\ta = 1\n",
		"carriage return":    "a = 1\r\n",
		"not UTF-8":          "# \xff\n",
		"not UTF-8 in text":  "a = \"\xff\"\n",
		"byte order mark":    "\ufeffa = 1\n",
		"NUL":                "a = \"\x00\"\n",
		"identifier":         "é = 1\n",
		"identifier, later":  "aé = 1\n",
		"deep":               "a = " + strings.Repeat("[", 1e6) + "\n",
		"deep strings":       "a = \"b" + strings.Repeat("${\"b", 1e6) + "\n",
		"deep blocks":        strings.Repeat("a {\n", 1e6),
		"deep sums":          "a = b" + strings.Repeat(" + b", 1e6) + "\n",
		"deep splat":         "a = b" + strings.Repeat("[*]", 1e6) + "\n",
		"deep attributes":    "a = b" + strings.Repeat(".c", 1e6) + "\n",
		"deep choices":       "a = " + strings.Repeat("b ? c : ", 1e6) + "d\n",
	} {
		if Plain([]byte(src), nil) {
			t.Errorf("%s: said to be plain", name)
		}
	}
}

func TestNamed(t *testing.T) {
	const src = "a \"b\" {\n  c = d.e + f(g(1), { h = \"i ${j(2)}\" })\n  k {}\n}\n"
	var heard []string
	if !Plain([]byte(src), func(name []byte) bool { heard = append(heard, string(name)); return false }) {
		t.Fatal("it is left to the parser")
	}
	if got := strings.Join(heard, " "); got != "a f g j k" {
		t.Errorf("heard of %s", got)
	}
	for _, name := range heard {
		if Plain([]byte(src), func(n []byte) bool { return string(n) == name }) {
			t.Errorf("%s was named, and the answer is yes", name)
		}
	}
}
