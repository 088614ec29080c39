package store

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// A tag has at most 128 letters, digits, "_", "." and "-". The tag of an object
// is p_ and its name, in which "/" is written as "__" and every other byte that a
// tag cannot hold, "_" too, as "_" and two hexadecimal digits: one name, one tag.
const tagStart = "p_"

func (r *registry) tag(object string) (name.Tag, error) {
	if err := CheckName(object); err != nil {
		return name.Tag{}, err
	}
	var b strings.Builder
	b.WriteString(tagStart)
	for i := range len(object) {
		switch c := object[i]; {
		case c == '/':
			b.WriteString("__")
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	if b.Len() > 128 {
		return name.Tag{}, fmt.Errorf("the name %q is too long for a tag of %s", object, r)
	}
	return r.repository.Tag(b.String()), nil
}

// untag is the inverse of tag, for the tags that it makes alone.
func untag(tag string) (object string, ours bool) {
	rest, ours := strings.CutPrefix(tag, tagStart)
	if !ours {
		return "", false
	}
	var b strings.Builder
	for len(rest) > 0 {
		switch {
		case strings.HasPrefix(rest, "__"):
			b.WriteByte('/')
			rest = rest[2:]
		case rest[0] != '_':
			b.WriteByte(rest[0])
			rest = rest[1:]
		case len(rest) < 3:
			return "", false
		default:
			c, err := strconv.ParseUint(rest[1:3], 16, 8)
			if err != nil {
				return "", false
			}
			b.WriteByte(byte(c))
			rest = rest[3:]
		}
	}
	return b.String(), CheckName(b.String()) == nil
}
