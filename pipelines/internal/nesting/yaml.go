package nesting

import "github.com/goccy/go-yaml/token"

// MaxYAML is far beyond what files that people write need, and far below where the
// YAML library's time grows with the square of the depth.
const MaxYAML = 100

// YAML returns the token at which a file is nested more than MaxYAML deep, or nil.
func YAML(tokens token.Tokens) *token.Token {
	depth, dashes, line := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			dashes, line = 0, t.Position.Line
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			depth++
		case token.SequenceEndType, token.MappingEndType:
			depth--
		case token.SequenceEntryType, token.MappingKeyType: // "- - - x" opens three lists on one line
			dashes++
		}
		if max(depth, dashes) > MaxYAML {
			return t
		}
	}
	return nil
}
