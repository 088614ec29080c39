// Package nesting refuses sources that are nested so deep that parsing them would
// end the process: Go cannot recover from a stack that is exhausted.
package nesting

import "fmt"

// The parser recurses, and Go ends the process when a stack grows beyond its
// limit. These bounds are far from any file that people write, and far from
// that limit too. They are counted on bytes, so strings and comments count.
const (
	maxNesting    = 10_000
	maxRecursions = 50_000
)

// TooDeep says what of a source of HCL could exhaust the parser's stack, or "".
func TooDeep(src []byte) string {
	depth, recursions, unary := 0, 0, 0
	for i, c := range src {
		switch c {
		case '[', '(', '{':
			depth++
			if c == '{' && i > 0 && src[i-1] == '%' {
				recursions++ // a template directive nests without staying open
			}
			if depth > maxNesting {
				return fmt.Sprintf("brackets are nested more than %d deep", maxNesting)
			}
		case ']', ')', '}':
			depth = max(0, depth-1)
		case '?', '*':
			recursions++
		}
		switch c {
		case '-', '!':
			unary++
		case ' ', '\t', '\n', '\r':
		default:
			unary = 0
		}
		if recursions+unary > maxRecursions {
			return fmt.Sprintf("more than %d operators are nested", maxRecursions)
		}
	}
	return ""
}
