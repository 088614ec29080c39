package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
)

// bucket keeps objects in S3, or in what speaks its protocol with conditional
// writes (If-None-Match and If-Match). Versions are ETags.
type bucket struct {
	client *s3.Client
	bucket string
	prefix string // empty or with a slash at its end
	shown  string
	// unproven are the conditions that the server has not been seen to keep. S3
	// itself is known to keep them all.
	unproven map[condition]*atomic.Bool
}

// writeKey is the metadata in which every write has a mark of its own: a write
// whose answer was lost, and which is sent again, finds its own object there.
// The content cannot tell: someone else may have written the same.
const writeKey = "penstock-write"

func openS3(ctx context.Context, u *url.URL, shown string, as Profile) (Store, error) {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, unusable(shown, "its parameters cannot be read")
	}
	for key, values := range query {
		if key != "region" && key != "endpoint" || len(values) != 1 || values[0] == "" {
			return nil, unusable(shown, fmt.Sprintf("parameters are one region and one endpoint, not %q", key))
		}
	}
	prefix := strings.Trim(u.Path, "/")
	if prefix != "" {
		if err := CheckName(prefix); err != nil || len(prefix) > 100 {
			return nil, unusable(shown, "its prefix is no name, or longer than 100 bytes")
		}
		prefix += "/"
	}
	if u.Host == "" || strings.Contains(u.Host, ":") {
		return nil, unusable(shown, "it names no bucket")
	}
	if e, err := url.Parse(query.Get("endpoint")); err != nil || e.User != nil || e.RawQuery != "" {
		return nil, unusable(shown, "its endpoint is not a plain URL")
	}
	client, err := newS3(ctx, query.Get("region"), query.Get("endpoint"), as)
	if err != nil {
		return nil, fmt.Errorf("opening the store %q: %w", shown, err)
	}
	b := &bucket{client: client, bucket: u.Host, prefix: prefix, shown: u.String()}
	b.doubt(client.Options().BaseEndpoint != nil)
	return b, nil
}

func newS3(ctx context.Context, region, endpoint string, as Profile) (*s3.Client, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if as.File != "" {
		options = append(options, config.WithSharedConfigFiles([]string{as.File}), config.WithSharedConfigProfile(as.Name))
	}
	settings, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, err
	}
	client := s3.NewFromConfig(settings, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
		// A server of one's own rarely has a host name for each bucket.
		o.UsePathStyle = o.BaseEndpoint != nil
		if o.Region == "" && o.BaseEndpoint != nil {
			o.Region = "us-east-1" // signing needs one
		}
		o.DisableLogOutputChecksumValidationSkipped = true // a line on stderr for each object that others wrote
		// S3 answers so where two conditional writes met: it wants them again.
		o.Retryer = retry.AddWithErrorCodes(o.Retryer, "ConditionalRequestConflict")
	})
	if client.Options().Region == "" {
		return nil, errors.New("no region is set: add ?region=... or set AWS_REGION")
	}
	return client, nil
}

func (b *bucket) String() string          { return b.shown }
func (b *bucket) Exclusive() error        { return nil }
func (b *bucket) key(name string) *string { return aws.String(b.prefix + name) }

// Create writes if there is nothing.
func (b *bucket) Create(ctx context.Context, name string, content io.ReadSeeker) error {
	if err := CheckName(name); err != nil {
		return err
	}
	_, err := content.Seek(0, io.SeekStart)
	if err == nil {
		err = b.put(ctx, name, &s3.PutObjectInput{Body: content, IfNoneMatch: aws.String("*")}, ErrExists)
	}
	return doing("creating", name, b, err)
}

// Replace writes if the version is still there.
func (b *bucket) Replace(ctx context.Context, name string, content []byte, old Version) error {
	if err := checkSwap(name, old); err != nil {
		return err
	}
	input := &s3.PutObjectInput{Body: bytes.NewReader(content), IfMatch: aws.String(string(old))}
	return doing("replacing", name, b, b.put(ctx, name, input, ErrChanged))
}

// checkSwap also refuses an empty version: sent as a condition it is none.
func checkSwap(name string, old Version) error {
	if old == "" {
		return fmt.Errorf("changing %q: %w: no version of it was seen", name, ErrChanged)
	}
	return CheckName(name)
}

func (b *bucket) put(ctx context.Context, name string, input *s3.PutObjectInput, refused error) error {
	mark := unique()
	input.Bucket, input.Key, input.Metadata = &b.bucket, b.key(name), map[string]string{writeKey: mark}
	_, err := b.client.PutObject(ctx, input)
	switch code(err) {
	case "": // done, or it was not reached
		if err == nil {
			err = b.provePut(ctx, input)
		}
		return err
	case "NoSuchKey": // the version to replace is gone
		return refused
	case "PreconditionFailed":
	default:
		return err
	}
	there, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.bucket, Key: b.key(name)})
	if code(err) == "NotFound" {
		return refused // it is gone again
	}
	if err != nil {
		return fmt.Errorf("%w; or it is what this call wrote: looking: %w", refused, err)
	}
	if there.Metadata[writeKey] == mark {
		return nil // an earlier attempt of this call, whose answer was lost
	}
	return refused
}

// Delete removes the object if the version is still there.
func (b *bucket) Delete(ctx context.Context, name string, old Version) error {
	if err := checkSwap(name, old); err != nil {
		return err
	}
	if err := b.proveDelete(ctx, name); err != nil {
		return doing("deleting", name, b, err)
	}
	attempts := 0
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.bucket, Key: b.key(name), IfMatch: aws.String(string(old))},
		s3.WithAPIOptions(counting(&attempts)))
	switch code(err) {
	case "NoSuchKey", "NotFound":
		err = fmt.Errorf("%w: it is gone", ErrChanged)
		if attempts > 1 { // most likely by the attempt whose answer was lost
			err = nil
		}
	case "PreconditionFailed":
		err = ErrChanged
	}
	return doing("deleting", name, b, err)
}

// counting counts how often a request is sent.
func counting(attempts *int) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("penstockAttempts",
			func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
				*attempts++
				return next.HandleFinalize(ctx, in)
			}), (*retry.Attempt)(nil).ID(), middleware.After)
	}
}

// Read returns the body of the object as it arrives; the SDK checks its checksum.
func (b *bucket) Read(ctx context.Context, name string) (io.ReadCloser, Version, error) {
	if err := CheckName(name); err != nil {
		return nil, "", err
	}
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.bucket, Key: b.key(name)})
	if code(err) == "NoSuchKey" {
		err = ErrNotFound
	}
	if err == nil && aws.ToString(out.ETag) == "" {
		out.Body.Close()
		err = errors.New("the answer has no ETag")
	}
	if err != nil {
		return nil, "", doing("reading", name, b, err)
	}
	return out.Body, Version(*out.ETag), nil
}

// List pages through the objects.
func (b *bucket) List(ctx context.Context, prefix string) ([]Entry, error) {
	var found []Entry
	pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: &b.bucket, Prefix: b.key(prefix)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, doing("listing", prefix, b, err)
		}
		for _, object := range page.Contents {
			found = append(found, Entry{
				Name:     strings.TrimPrefix(aws.ToString(object.Key), b.prefix),
				Size:     aws.ToInt64(object.Size),
				Modified: aws.ToTime(object.LastModified),
			})
		}
	}
	sortEntries(found)
	return found, nil
}

// Now is the date of an answer, to the second, as the times of the objects are.
func (b *bucket) Now(ctx context.Context) (time.Time, error) {
	out, err := b.client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &b.bucket})
	if err != nil {
		return time.Time{}, fmt.Errorf("asking %s for its time: %w", b, err)
	}
	now, ok := awsmiddleware.GetServerTime(out.ResultMetadata)
	if !ok {
		return time.Time{}, fmt.Errorf("asking %s for its time: the answer has no date", b)
	}
	return now, nil
}

// code is the one of the service's error, empty where it is none.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}
