package live

import (
	"bytes"
	"context"
	"crypto"
	"fmt"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/capsule"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// Find fetches the capsule with a digest from a store to a directory and reads it.
func Find(ctx context.Context, s store.Store, digest, dir string) (*capsule.Capsule, error) {
	short := hexOf(digest)
	if len(short) != 64 {
		return nil, fmt.Errorf("looking for the capsule %q: it is no digest, which is sha256: and 64 hex digits", digest)
	}
	entries, err := s.List(ctx, "capsules/")
	if err != nil {
		return nil, fmt.Errorf("looking for the capsule %q: %w", digest, err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name, "-"+short[:16]+".capsule") {
			continue
		}
		file := filepath.Join(dir, path.Base(entry.Name))
		if err := fetch(ctx, s, entry.Name, file); err != nil {
			return nil, fmt.Errorf("fetching the capsule %q: %w", digest, err)
		}
		c, err := capsule.Read(file)
		if err != nil || c.Digest == digest {
			return c, err
		}
	}
	return nil, &pipelines.Error{Err: fmt.Errorf("looking for the capsule %q: %w in %s", digest, errNoCapsule, s), Hint: "take the digest from the page of the pull request"}
}

// Approve keeps a person's word on the risky changes of a capsule, signed with their
// key: apply looks for it.
func Approve(ctx context.Context, s store.Store, a capsule.Approval, key crypto.Signer) error {
	record, err := capsule.SignApproval(a, key)
	if err != nil {
		return err
	}
	name := approvalPrefix(a.Capsule) + a.Created.UTC().Format("20060102T150405Z") + "-" + hexOf(digestOf(a.Approver))[:12] + ".json"
	return s.Create(ctx, name, bytes.NewReader(record))
}

// ApprovalOf is an approval of the changes at some addresses, for as long as the capsule holds.
func ApprovalOf(c *capsule.Capsule, who, reason string, addresses []string, now time.Time) capsule.Approval {
	return capsule.Approval{Capsule: c.Digest, Addresses: addresses, Approver: who, Reason: reason,
		Created: now.UTC().Truncate(time.Second), Expires: c.Manifest.Expires}
}
