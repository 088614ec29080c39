package live

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func digestOf(s string) string { return digest([]byte(s)) }

// hexOf is a digest without its algorithm, "" for what is none.
func hexOf(digest string) string {
	h, ok := strings.CutPrefix(digest, "sha256:")
	if _, err := hex.DecodeString(h); !ok || err != nil {
		return ""
	}
	return h
}
