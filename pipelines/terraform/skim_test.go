package terraform

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/penstock-dev/penstock/pipelines/internal/skim"
)

// skimmed is how many changed sources the quick reader is held against the parser with.
const skimmed = 60_000

// TestSkimIsCertain: what the quick reader calls plain has no error for the parser
// and no construct that terraform rewrites. Sources are changed as people change
// them and byte by byte.
func TestSkimIsCertain(t *testing.T) {
	seeds := sources(t, "testdata/fmt/seeds")
	if dir := os.Getenv(foreignEnv); dir != "" {
		seeds = append(seeds, sources(t, dir)...)
	}
	var plain [][]byte // changes of these are plain more often
	for _, src := range seeds {
		if skim.Plain(src, nil) {
			plain = append(plain, src)
		}
	}
	t.Logf("%d of %d sources are plain", len(plain), len(seeds))
	if len(plain) < 3 {
		t.Fatal("too few are plain to test with")
	}
	random := rand.New(rand.NewPCG(7, 26))
	counts, wrong := map[bool]int{}, 0
	for i := range skimmed + len(seeds) {
		var src []byte
		switch {
		case i < len(seeds):
			src = seeds[i]
		case i%3 == 0:
			src = mutate(random, seeds)
		default:
			src = scribble(random, plain[random.IntN(len(plain))])
		}
		sure := skim.Plain(src, nil)
		if counts[sure]++; !sure {
			continue
		}
		if o := parse("x.tf", src); o.broken != nil || o.doubt != nil {
			if wrong++; wrong <= 5 {
				t.Errorf("plain, but %v, %+v:\n%s", o.broken, o.doubt, src)
			}
		}
	}
	t.Logf("%d plain, %d left to the parser, %d wrong", counts[true], counts[false], wrong)
	if counts[true] < skimmed/10 {
		t.Error("too few are plain for this to say much")
	}
}

// scribble changes a few bytes into others that mean something to HCL.
func scribble(r *rand.Rand, src []byte) []byte {
	const bytes = "\"\"${}{}[]()=:,.?!-+*/%&|<>#~'\\\n\n \t\raA_0e9é\x00\xff"
	pieces := []string{"\n", " = ", "${", "\"${a}\"", "for ", "...", "::", "<<EOT\n", "EOT\n", "//", "/*", "*/", "[*]", ".*", "a = 1\n", "\"a\"", "b {\n", "}\n",
		"type = list\n", "%{", "$${", "==", "&&", " ? a : b", "true", "(", ")", "[", "]", "{", "}", "1.5", "-1", "!", ", "}
	changed := append([]byte{}, src...)
	for range 1 + r.IntN(3) {
		at := r.IntN(len(changed) + 1)
		piece := pieces[r.IntN(len(pieces))]
		if r.IntN(2) == 0 {
			piece = string(bytes[r.IntN(len(bytes))])
		}
		drop := min(r.IntN(3), len(changed)-at)
		changed = append(changed[:at:at], append([]byte(piece), changed[at+drop:]...)...)
	}
	return changed
}
