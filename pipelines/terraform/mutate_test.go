package terraform

import (
	"bytes"
	"math/rand/v2"
	"strings"
)

// mutation changes a source in one way that people and tools change sources.
type mutation func(*rand.Rand, string) string

var mutations = []mutation{
	replaceOne("  ", "", " ", "   ", "    ", "\t"),          // indentation
	replaceOne(" = ", "=", " =", "= ", "  =  ", " =\t"),     // alignment
	replaceOne("\n", "\n\n", "\n\n\n\n", " \n", "\t\n", ""), // blank lines, space at the end of lines
	replaceOne(", ", ",", " , ", ",  ", ",\n"),
	replaceOne("{", " {", "{ ", "{\n", "{ # c\n", "${", "%{"),
	replaceOne("}", " }", "} ", "\n}", "}\n"),
	replaceOne("[", "[ ", "[\n", "[ # c\n"),
	replaceOne("(", "( ", " (", "((", "(\n"),
	replaceOne(")", " )", "))", "\n)"),
	replaceOne("\"", "'", "", "\\\"", "\"${", "}\"", "\" ", " \""),
	replaceOne("\" \"", "\"\"", "\"  \"", " ", "\" /* c */ \"", "\"\t\""),
	replaceOne("# ", "#", "//", "// ", "/* c */ # "),
	replaceOne("var.", "${var.", "\"${var.x}\"+var.", "var . ", "local."),
	replaceOne("var.x", "\"${var.x}\"", "\"${var.x}${var.y}\"", "\"${ var.x }\"", "\"${~var.x~}\"", "\"a${var.x}\"", "\"${\n var.x\n}\""),
	replaceOne("= string", "= \"string\"", "= \"list\"", "= \"map\"", "= list", "= map", "= set", "= \"any\"", "= (string)", "= \"set\""),
	replaceOne("= true", "= \"true\"", "= \"${true}\"", "= \"${true}\" # c", "= /* c */ true", "= \"${\"a\"}\"", "= ((true))"),
	replaceOne("<<EOT", "<<-EOT", "<< EOT", "<<EOX", "<<~EOT"),
	replaceOne("EOT\n", "EOT", "EOT \n", "  EOT\n", "EOT\n\n"),
	replaceOne(" : ", ":", "  :  ", " => ", " ? "),
	replaceOne(" + ", "+", "  + ", " - ", " +\n"),
	replaceOne("a", "ä", "é", "\u00a0a", "\x00", "\xff", "A_-1"),
	replaceOne(" {\n", "\n{\n", " { ", "{\n", " /* c */ {\n"),
	everywhere("\n", "\r\n"),
	everywhere("  ", "\t"),
	everywhere(" = ", "="),
	everywhere("\n\n", "\n"),
	everywhere("#", "//"),
	func(_ *rand.Rand, s string) string { return "\ufeff" + s },
	func(_ *rand.Rand, s string) string { return strings.TrimRight(s, "\n") },
	func(_ *rand.Rand, s string) string { return s + "\n\n" },
	func(_ *rand.Rand, s string) string { return "\n" + s },
	func(r *rand.Rand, s string) string { return s[:r.IntN(len(s)+1)] }, // cut short
	func(r *rand.Rand, s string) string { // one line twice
		lines := strings.SplitAfter(s, "\n")
		i := r.IntN(len(lines))
		return strings.Join(lines[:i+1], "") + strings.Join(lines[i:], "")
	},
	func(r *rand.Rand, s string) string { // one line gone
		lines := strings.SplitAfter(s, "\n")
		i := r.IntN(len(lines))
		return strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "")
	},
	func(r *rand.Rand, s string) string { // one line moved in or out
		lines := strings.SplitAfter(s, "\n")
		i := r.IntN(len(lines))
		lines[i] = strings.Repeat(" ", r.IntN(6)) + strings.TrimLeft(lines[i], " \t")
		return strings.Join(lines, "")
	},
}

// replaceOne replaces one occurrence, picked at random, by one of several.
func replaceOne(old string, by ...string) mutation {
	return func(r *rand.Rand, s string) string {
		n := strings.Count(s, old)
		if n == 0 {
			return s
		}
		at := 0
		for range r.IntN(n) {
			at += strings.Index(s[at:], old) + len(old)
		}
		at += strings.Index(s[at:], old)
		return s[:at] + by[r.IntN(len(by))] + s[at+len(old):]
	}
}

func everywhere(old, by string) mutation {
	return func(_ *rand.Rand, s string) string { return strings.ReplaceAll(s, old, by) }
}

// mutate returns a seed with one to three changes.
func mutate(r *rand.Rand, seeds [][]byte) []byte {
	s := string(seeds[r.IntN(len(seeds))])
	changed := s
	for range 1 + r.IntN(3) {
		changed = mutations[r.IntN(len(mutations))](r, changed)
	}
	return bytes.Clone([]byte(changed))
}
