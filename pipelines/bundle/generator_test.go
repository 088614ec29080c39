package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func zip(content []byte, head gzip.Header, level int) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, level)
	w.Header = head
	_, _ = w.Write(content)
	_ = w.Close()
	return b.Bytes()
}

// build writes the archive, and the statement that a signer without a conscience
// would sign: everything in it is true.
func (h *hostile) build(t testing.TB, key crypto.Signer, honest bool) ([]byte, Statement, []byte) {
	t.Helper()
	if honest { // the names are sorted, so that only the trick is refused
		slices.SortStableFunc(h.m.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	}
	text, err := encode(h.m)
	if err != nil {
		t.Fatal(err)
	}
	text = h.text(text)
	var b bytes.Buffer
	for _, e := range slices.Concat(h.first, []entry{plain(manifestName, text)}, h.entries) {
		b.Write(e.raw())
		b.Write(e.content)
		b.Write(make([]byte, padding(int64(len(e.content)))))
	}
	b.Write(make([]byte, 1024))
	archive := h.zipped(zip(h.raw(b.Bytes()), h.header, h.level))
	s := Statement{Schema: StatementSchema, Version: "1.2.0", Digest: digestOf(archive), Size: int64(len(archive)), Manifest: digestOf(text), SBOM: digestOf(nil), Commit: h.m.Commit}
	if s.Size == 0 {
		s.Size = 1 // nothing cannot be stated
	}
	record, err := s.sign(key)
	if err != nil {
		t.Fatal(err)
	}
	return archive, s, record
}

// raw writes a header by hand where no library would.
func (e entry) raw() []byte {
	raw := make([]byte, 512)
	var b bytes.Buffer
	head := e.Header
	head.Format = tar.FormatUSTAR
	if err := tar.NewWriter(&b).WriteHeader(&head); err == nil && b.Len() == 512 && e.Typeflag != tar.TypeXGlobalHeader {
		copy(raw, b.Bytes())
	} else {
		copy(raw[:100], e.Name)
		copy(raw[100:], fmt.Sprintf("%07o\x00%07o\x00%07o\x00%011o\x00%011o\x00", e.Mode, e.Uid, e.Gid, e.Size, max(0, e.ModTime.Unix())))
		raw[156] = e.Typeflag
		copy(raw[157:257], e.Linkname)
		copy(raw[257:], "ustar\x0000")
	}
	if e.edit != nil {
		e.edit(raw)
	}
	copy(raw[148:], "        ")
	sum := 0
	for _, c := range raw {
		sum += int(c)
	}
	copy(raw[148:], fmt.Sprintf("%06o\x00 ", sum))
	return raw
}

// generate is the archive of a seed: one trick at least, at most three.
func generate(t testing.TB, seed uint64, outside string, key crypto.Signer) (names []string, archive []byte, s Statement, record []byte) {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 4))
	h := newHostile(r, outside)
	all := slices.Sorted(maps.Keys(tricks))
	names = append(names, all[int(seed)%len(all)]) // each has its turn
	for range r.IntN(3) {
		names = append(names, all[r.IntN(len(all))])
	}
	names = compatible(names)
	sorted := true
	for _, name := range names {
		tricks[name](h)
		sorted = sorted && name != "another order in the manifest"
	}
	archive, s, record = h.build(t, key, sorted)
	return names, archive, s, record
}

// compatible drops a second trick that would undo or trip over the first.
func compatible(names []string) []string {
	kept := names[:1]
	for _, name := range names[1:] {
		if !slices.Contains(kept, name) && !strings.Contains(name, "order") && !strings.Contains(name, "few") && !strings.Contains(name, "no manifest") &&
			!strings.Contains(kept[0], "few") && !strings.Contains(kept[0], "order") && !strings.Contains(name, "cut short") {
			kept = append(kept, name)
		}
	}
	return kept
}
