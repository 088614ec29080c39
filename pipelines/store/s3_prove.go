package store

import (
	"context"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// condition is one of the conditions on which a lease stands.
type condition string

const (
	ifNone   condition = "writing only what is not there (If-None-Match)"
	ifMatch  condition = "replacing only a version (If-Match)"
	ifDelete condition = "deleting only a version (If-Match)"
)

// doubt notes what has to be proven. A server that speaks the protocol of S3 and
// passes over a condition that it does not know would give one lease to two: the
// first time that each condition is used, it is tried whether it is kept.
func (b *bucket) doubt(own bool) {
	b.unproven = map[condition]*atomic.Bool{}
	for _, c := range []condition{ifNone, ifMatch, ifDelete} {
		b.unproven[c] = &atomic.Bool{}
		b.unproven[c].Store(own)
	}
}

// provePut sends a write that was done once more: its condition no longer holds,
// so that it has to be refused. Where it is not, the same content is there as before.
func (b *bucket) provePut(ctx context.Context, input *s3.PutObjectInput) error {
	kind := ifNone
	if input.IfMatch != nil {
		kind = ifMatch
	}
	if !b.unproven[kind].Load() {
		return nil
	}
	if kind == ifMatch { // content that is replaced by the same keeps its version
		there, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: input.Bucket, Key: input.Key})
		if code(err) == "NotFound" { // removed since: nothing to try it on
			return nil
		}
		if err != nil || aws.ToString(there.ETag) == *input.IfMatch {
			return err
		}
	}
	if _, err := input.Body.(io.Seeker).Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := b.client.PutObject(ctx, input)
	return b.proven(kind, err)
}

// proveDelete deletes a version that never was, which has to be refused.
func (b *bucket) proveDelete(ctx context.Context, name string) error {
	if !b.unproven[ifDelete].Load() {
		return nil
	}
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: b.key(name), IfMatch: aws.String(`"00000000000000000000000000000000"`)})
	if c := code(err); c == "NoSuchKey" || c == "NotFound" {
		return nil // nothing to try it on; what follows says so
	}
	return b.proven(ifDelete, err)
}

func (b *bucket) proven(kind condition, err error) error {
	switch {
	case err == nil:
		return fmt.Errorf("%w: its server does not keep to the condition of %s", ErrUnsupported, kind)
	case code(err) == "PreconditionFailed" || code(err) == "NoSuchKey": // or someone else was faster
		b.unproven[kind].Store(false)
		return nil
	}
	return fmt.Errorf("trying whether the server keeps to conditions: %w", err)
}
