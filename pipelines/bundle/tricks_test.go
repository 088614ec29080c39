package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// entry is one entry of a hostile archive.
type entry struct {
	tar.Header
	content []byte
	edit    func(raw []byte) // of the header as it is written
}

// hostile is an archive on its way to be one: each trick changes a part of it.
type hostile struct {
	r       *rand.Rand
	outside string // an absolute path of the canaries
	m       Manifest
	text    func([]byte) []byte // of the manifest, as it is written
	entries []entry             // after the manifest
	first   []entry             // before it
	raw     func([]byte) []byte // of the tar
	zipped  func([]byte) []byte // of the gzip
	level   int
	header  gzip.Header
}

const victims = 3 // files of the good archive that tricks pick from

func newHostile(r *rand.Rand, outside string) *hostile {
	same := func(b []byte) []byte { return b }
	h := &hostile{r: r, outside: outside, text: same, raw: same, zipped: same, level: gzip.BestCompression, header: gzip.Header{OS: 255}}
	h.m = Manifest{Schema: Schema, Version: "1.2.0", Commit: strings.Repeat("c0ffee42", 5), Created: time.Unix(0, 0).UTC(), Charts: []Chart{}, InfraTypes: []InfraType{}}
	for i := range victims {
		h.file(fmt.Sprintf("terraform/dir%d/main.tf", i), []byte(strings.Repeat("# content\n", 1+r.IntN(200))))
	}
	return h
}

// file adds a file to the manifest and to the archive.
func (h *hostile) file(name string, content []byte) {
	sum, size, _ := hashOf(bytes.NewReader(content))
	h.m.Files = append(h.m.Files, File{Path: name, Mode: modeFile, Size: size, SHA256: sum})
	h.entries = append(h.entries, plain(name, content))
}

func plain(name string, content []byte) entry {
	return entry{Header: tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(content)), Mode: 0o644, ModTime: time.Unix(0, 0)}, content: content}
}

// insert puts an entry that the manifest does not have anywhere: before the
// manifest, between the files or after them.
func (h *hostile) insert(e entry) {
	if h.r.IntN(4) == 0 {
		h.first = append(h.first, e)
		return
	}
	h.entries = slices.Insert(h.entries, h.r.IntN(len(h.entries)+1), e)
}

func (h *hostile) pick(names ...string) string { return names[h.r.IntN(len(names))] }

// way is a path that leads out of where it is unpacked.
func (h *hostile) way() string {
	up := strings.Repeat("../", 1+h.r.IntN(3))
	return h.pick(up+"outside/planted", h.outside+"/planted", "terraform/../"+up+"outside/planted", "./"+up+"outside/planted",
		up+"outside/canary", h.outside+"/canary", "terraform//"+up+"outside/planted", `..\outside\planted`, `C:\outside`, "//outside/planted", "..", "terraform/..", "/")
}

// tricks are what archives try. Each makes an archive that is to be refused.
var tricks = map[string]func(*hostile){
	"a path that leads out":       func(h *hostile) { h.insert(plain(h.way(), []byte("planted"))) },
	"a path out, in the manifest": func(h *hostile) { h.file(h.way(), []byte("planted")) },
	"a link out and a file in it": linkOut,
	"a link in place of a file":   func(h *hostile) { h.link(tar.TypeSymlink, h.entries[h.r.IntN(victims)].Name, h.outside+"/canary") },
	"a hard link out": func(h *hostile) {
		h.link(tar.TypeLink, "terraform/hard", h.pick(h.outside+"/canary", "../outside/canary"))
		h.insert(plain("terraform/hard", []byte("planted")))
	},
	"a hard link within":   func(h *hostile) { h.link(tar.TypeLink, "terraform/hard", h.entries[0].Name) },
	"a link within":        func(h *hostile) { h.link(tar.TypeSymlink, "terraform/soft", "main.tf") },
	"a link as its parent": func(h *hostile) { h.link(tar.TypeSymlink, "terraform/dir0", "../../outside") },
	"a device":             func(h *hostile) { h.special(h.pick("3", "4")[0]) },
	"a pipe":               func(h *hostile) { h.special(tar.TypeFifo) },
	"a directory": func(h *hostile) {
		h.insert(entry{Header: tar.Header{Typeflag: tar.TypeDir, Name: h.pick("terraform/empty/", "../outside/dir/"), Mode: 0o777}})
	},
	"another type": func(h *hostile) {
		h.insert(entry{Header: tar.Header{Typeflag: h.pick("7", "A", "V", "M", "Z")[0], Name: "terraform/odd"}})
	},
	"case alone": func(h *hostile) {
		h.file(h.pick("terraform/DIR0/main.tf", "terraform/dir1/Main.tf", "Terraform/x"), nil)
	},
	"case alone, in the archive": func(h *hostile) { h.insert(plain("terraform/dir0/MAIN.tf", []byte("other"))) },
	"two forms of one letter": func(h *hostile) {
		h.file("terraform/caf\u00e9.tf", nil)
		h.file("terraform/cafe\u0301.tf", []byte("other"))
	},
	"other letters": func(h *hostile) {
		h.file(h.pick("terraform/\u017f.tf", "terraform/\u212a.tf", "terraform/a\u200b.tf", "terraform/\u202etf.sh"), nil)
	},
	"control characters": func(h *hostile) {
		h.file(h.pick("terraform/a\nb", "terraform/\x1b[2J", "terraform/a\x00b", "terraform/ ", "terraform/a:b", "terraform/*"), nil)
	},
	"a device of Windows":           func(h *hostile) { h.file(h.pick("terraform/NUL", "terraform/con.tf", "com1/x", "terraform/x."), nil) },
	"a file twice":                  func(h *hostile) { h.insert(plain(h.entries[h.r.IntN(victims)].Name, []byte("other"))) },
	"a file twice, in the manifest": func(h *hostile) { h.file(h.m.Files[h.r.IntN(victims)].Path, []byte("other")) },
	"a file and a directory":        func(h *hostile) { h.file("terraform/dir0/main.tf/x", nil) },
	"a tool's directory": func(h *hostile) {
		h.file(h.pick(".git/config", "terraform/.terraform/x", "terraform/.GIT/hooks/post-checkout"), nil)
	},
	"our own names":                 func(h *hostile) { h.file(h.pick(manifestName, recordName), []byte("{}")) },
	"a name too long":               func(h *hostile) { h.file(strings.Repeat("a/", 3+h.r.IntN(300))+strings.Repeat("b", 101), nil) },
	"a file too many":               func(h *hostile) { h.insert(plain("terraform/zzz.tf", []byte("more"))) },
	"a file too few":                func(h *hostile) { at := h.r.IntN(len(h.entries)); h.entries = slices.Delete(h.entries, at, at+1) },
	"another order":                 func(h *hostile) { slices.Reverse(h.entries) },
	"another order in the manifest": func(h *hostile) { h.unsorted() },
	"another content":               (*hostile).flip,
	"setuid": func(h *hostile) {
		h.entries[h.r.IntN(victims)].Mode = int64(h.pick("\x04", "\x02", "\x01")[0])<<9 | 0o755
	},
	"setuid in the manifest": func(h *hostile) {
		i := h.r.IntN(victims)
		h.m.Files[i].Mode = h.pick("4755", "2755", "0777", "1644", "")
		h.entries[i].Mode = 0o4755
	},
	"an owner":              func(h *hostile) { h.entries[h.r.IntN(victims)].Uid = 1 + h.r.IntN(1000) },
	"a time":                func(h *hostile) { h.entries[h.r.IntN(victims)].ModTime = time.Unix(int64(1+h.r.IntN(1<<30)), 0) },
	"PAX with another path": func(h *hostile) { h.pax(map[string]string{"path": h.way()}) },
	"PAX with another size": func(h *hostile) { h.pax(map[string]string{"size": fmt.Sprint(h.r.IntN(1 << 20))}) },
	"PAX with anything": func(h *hostile) {
		h.pax(map[string]string{h.pick("comment", "SCHILY.xattr.user.x", "LIBARCHIVE.xattr.y"): "1"})
	},
	"PAX for all": func(h *hostile) {
		h.insert(entry{Header: tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"path": "../outside/planted"}}})
	},
	"a sparse file of GNU": func(h *hostile) { h.edit(func(raw []byte) { raw[156] = 'S'; copy(raw[483:], "00077777777") }) },
	"a sparse file of PAX": func(h *hostile) {
		h.pax(map[string]string{"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "1099511627776"})
	},
	"a long name of GNU": func(h *hostile) {
		h.insert(entry{Header: tar.Header{Typeflag: 'L', Name: "././@LongLink", Size: 22}, content: []byte("../../outside/planted\x00")})
	},
	"a size in base 256":            func(h *hostile) { h.edit(func(raw []byte) { raw[124] = 0xff }) },
	"a negative size":               func(h *hostile) { h.edit(func(raw []byte) { copy(raw[124:], "-0000000001") }) },
	"a huge size":                   func(h *hostile) { h.edit(func(raw []byte) { copy(raw[124:], "77777777777") }) },
	"a checksum that does not hold": func(h *hostile) { h.damage(148, 6) },
	"something in a header":         func(h *hostile) { h.damage(345, 160) },
	"something in the filling":      func(h *hostile) { h.filling() },
	"a huge size in the manifest":   func(h *hostile) { h.m.Files[h.r.IntN(victims)].Size = 1 << (24 + h.r.IntN(39)) },
	"a negative size in it":         func(h *hostile) { h.m.Files[h.r.IntN(victims)].Size = -1 - h.r.Int64N(1<<40) },
	"another schema":                func(h *hostile) { h.m.Schema = h.pick("", "penstock.bundle/v2", "penstock.capsule/v1") },
	"another version":               func(h *hostile) { h.m.Version = h.pick("", "dev", "../1.2.0", "1.2.0+x") },
	"a member twice":                func(h *hostile) { h.rewrite(`"schema"`, `"files": [], "schema"`) },
	"a member in capitals":          func(h *hostile) { h.rewrite(`"version"`, `"Version"`) },
	"a member nobody knows":         func(h *hostile) { h.rewrite(`"version"`, `"run": "rm", "version"`) },
	"no manifest":                   func(h *hostile) { h.text = func([]byte) []byte { return []byte(h.pick("", "{}", "null", "[]", "{")) } },
	"something after the manifest":  func(h *hostile) { h.text = func(b []byte) []byte { return append(bytes.Clone(b), " {}"...) } },
	"no end":                        func(h *hostile) { h.raw = func(b []byte) []byte { return b[:len(b)-512*(1+h.r.IntN(2))] } },
	"something after the end": func(h *hostile) {
		h.raw = func(b []byte) []byte { return append(b, make([]byte, 512*(1+h.r.IntN(20)))...) }
	},
	"an archive after the end": func(h *hostile) { h.raw = func(b []byte) []byte { return append(b, b...) } },
	"cut short":                func(h *hostile) { h.zipped = func(b []byte) []byte { return b[:h.r.IntN(len(b))] } },
	"a second member of gzip":  func(h *hostile) { h.zipped = func(b []byte) []byte { return append(b, b...) } },
	"an empty second member of gzip": func(h *hostile) {
		h.zipped = func(b []byte) []byte { return append(b, zip(nil, gzip.Header{OS: 255}, 9)...) }
	},
	"data after gzip": func(h *hostile) {
		h.zipped = func(b []byte) []byte { return append(b, make([]byte, 1+h.r.IntN(2000))...) }
	},
	"a checksum of gzip": func(h *hostile) {
		h.zipped = func(b []byte) []byte { b[len(b)-8+h.r.IntN(8)] ^= 1 << h.r.IntN(8); return b }
	},
	"a name in gzip":        func(h *hostile) { h.header.Name = "../../outside/planted" },
	"a comment in gzip":     func(h *hostile) { h.header.Comment = "x" },
	"a time in gzip":        func(h *hostile) { h.header.ModTime = time.Unix(1<<30, 0) },
	"a system in gzip":      func(h *hostile) { h.header.OS = byte(h.r.IntN(255)) },
	"a bomb":                func(h *hostile) { h.file("terraform/zeros", make([]byte, (2+h.r.IntN(3))<<20)) },
	"a bomb behind the end": func(h *hostile) { h.raw = func(b []byte) []byte { return append(b, make([]byte, 4<<20)...) } },
}

func linkOut(h *hostile) {
	name := h.pick("terraform/link", "link", "charts")
	h.link(tar.TypeSymlink, name, h.pick(h.outside, "../outside", "../../outside", "../../../outside"))
	h.entries = append(h.entries, plain(name+"/planted", []byte("planted")))
}

func (h *hostile) link(kind byte, name, to string) {
	h.entries = slices.Insert(h.entries, h.r.IntN(2), entry{Header: tar.Header{Typeflag: kind, Name: name, Linkname: to, Mode: 0o777, ModTime: time.Unix(0, 0)}})
}

func (h *hostile) special(kind byte) {
	h.insert(entry{Header: tar.Header{Typeflag: kind, Name: "terraform/special", Mode: 0o666, Devmajor: 1, Devminor: 3}})
}

// pax gives a file of the manifest extended records.
func (h *hostile) pax(records map[string]string) {
	var body []byte
	for _, key := range slices.Sorted(maps.Keys(records)) {
		record := " " + key + "=" + records[key] + "\n"
		n := len(record)
		for n != len(record)+len(fmt.Sprint(n)) {
			n = len(record) + len(fmt.Sprint(n))
		}
		body = append(body, fmt.Sprint(n)+record...)
	}
	at := h.r.IntN(len(h.entries))
	h.entries = slices.Insert(h.entries, at, entry{Header: tar.Header{Typeflag: tar.TypeReg, Name: "PaxHeaders.0/x", Size: int64(len(body))}, content: body,
		edit: func(raw []byte) { raw[156] = 'x' }})
}

// flip changes a bit of a file.
func (h *hostile) flip() {
	for i := range h.entries {
		if e := &h.entries[i]; e.Typeflag == tar.TypeReg && e.edit == nil && strings.HasSuffix(e.Name, "main.tf") && len(e.content) > 0 {
			e.content = bytes.Clone(e.content)
			e.content[h.r.IntN(len(e.content))] ^= 1
			return
		}
	}
}

func (h *hostile) edit(change func([]byte)) { h.entries[h.r.IntN(victims)].edit = change }

// damage changes a byte of a header, from a place on, and leaves its checksum.
func (h *hostile) damage(from, length int) {
	at := from + h.r.IntN(length)
	h.raw = func(b []byte) []byte {
		start := bytes.Index(b, []byte(h.entries[0].Name+"\x00"))
		b[start+at] ^= byte(1 + h.r.IntN(255))
		return b
	}
}

func (h *hostile) filling() {
	e := &h.entries[0]
	if len(e.content)%512 == 0 {
		h.raw = func(b []byte) []byte { b[len(b)-1] = 1; return b } // of the end
		return
	}
	h.raw = func(b []byte) []byte {
		start := bytes.Index(b, []byte(e.Name+"\x00"))
		b[start+512+(len(e.content)+511)/512*512-1] = 1
		return b
	}
}

func (h *hostile) unsorted() {
	slices.Reverse(h.m.Files)
	slices.Reverse(h.entries)
}

func (h *hostile) rewrite(old, new string) {
	h.text = func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
}
