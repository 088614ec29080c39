package terraform

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/penstock-dev/penstock/pipelines/internal/atomicfile"
)

// fmtRules is the version of what this package knows of terraform fmt. Change it
// with every change to examine or doubtful.
const fmtRules = "2"

// fmtCache remembers which contents are formatted, by the hash that git gives
// them, so that an unchanged file costs a hash instead of a parse. Only the good
// verdict is kept: what is wrong is looked at again each time.
//
// It is a folder of immutable segments, each named by the hash of its content:
// processes side by side only ever add segments, and one that was damaged no
// longer has its name and counts as a miss. A nil cache remembers nothing.
type fmtCache struct {
	folder   string
	segments []string // that were there when it was opened
	mu       sync.Mutex
	known    map[hash]bool
	added    []hash
}

type hash = [sha1.Size]byte

const (
	maxSegments = 8
	maxHashes   = 200_000
)

// blobHash is the name that git gives to a content.
func blobHash(content []byte) hash {
	h := sha1.New()
	h.Write([]byte("blob " + strconv.Itoa(len(content)) + "\x00"))
	h.Write(content)
	return hash(h.Sum(nil))
}

// hclVersion is the version of the HCL library in this program; empty where the
// program does not say.
var hclVersion = sync.OnceValue(func() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == hclModule {
				if dep.Replace != nil {
					dep = dep.Replace
				}
				return dep.Version
			}
		}
	}
	return ""
})

// ownJudge names what judges without terraform: one HCL library and one version of our rules.
func ownJudge() string {
	if hclVersion() == "" {
		return ""
	}
	return fmtRules + "\x00" + hclVersion()
}

// openFmtCache opens the cache in dir. Without a place for it, or without
// knowing who judges, there is none. A folder holds the verdicts of one judge.
func openFmtCache(dir, judge string) *fmtCache {
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil
		}
		dir = filepath.Join(user, "penstock", "fmt")
	}
	if judge == "" {
		return nil
	}
	key := sha256.Sum256([]byte("penstock fmt\x00" + judge))
	c := &fmtCache{folder: filepath.Join(dir, hex.EncodeToString(key[:8])), known: map[hash]bool{}}
	entries, _ := os.ReadDir(c.folder) // a cache that cannot be read is empty
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") || !entry.Type().IsRegular() {
			continue
		}
		file := filepath.Join(c.folder, entry.Name())
		c.segments = append(c.segments, file)
		content, err := os.ReadFile(file)
		if err != nil || segmentName(content) != entry.Name() || len(content)%sha1.Size != 0 {
			continue
		}
		for h := range slices.Chunk(content, sha1.Size) {
			c.known[hash(h)] = true
		}
	}
	return c
}

func (c *fmtCache) has(h hash) bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[h]
}

func (c *fmtCache) add(h hash) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.known[h] {
		c.known[h] = true
		c.added = append(c.added, h)
	}
}

func segmentName(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// save writes what was learnt. A cache that cannot be written is no error: the
// next run only takes longer.
func (c *fmtCache) save() {
	if c == nil || len(c.added) == 0 {
		return
	}
	hashes, merge := c.added, len(c.segments) >= maxSegments
	if merge && len(c.known) <= maxHashes {
		hashes = slices.Collect(maps.Keys(c.known))
	}
	if writeSegment(c.folder, hashes) == nil && merge {
		for _, old := range c.segments {
			_ = os.Remove(old)
		}
	}
}

func writeSegment(folder string, hashes []hash) error {
	slices.SortFunc(hashes, func(a, b hash) int { return slices.Compare(a[:], b[:]) })
	content := make([]byte, 0, len(hashes)*sha1.Size)
	for _, h := range hashes {
		content = append(content, h[:]...)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(folder, segmentName(content)), 0o600, content)
}
