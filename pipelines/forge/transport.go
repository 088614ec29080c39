package forge

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// tries is how often a request is sent at most.
	tries = 5
	// longest is how long is waited for one limit to pass. Beyond it the request
	// fails, and says when there would be an answer.
	longest = 2 * time.Minute
	// secondary is how long GitHub wants to be left alone after a secondary rate
	// limit that names no time.
	secondary = time.Minute
	// once is how long one try may take.
	once = time.Minute
	// largest is the largest answer that is read, in bytes.
	largest = 32 << 20
)

// transport sends the token to one host only, reads answers whole, and tries
// again what may be tried again.
type transport struct {
	base         http.RoundTripper
	scheme, host string
	token        string
	wait         func(context.Context, time.Duration) error
	now          func() time.Time
}

// repeatKey marks requests whose method does not say whether they may be sent twice.
type repeatKey struct{}

// repeatable says that a request does nothing more when it is sent twice; or, with
// false, that it does.
func repeatable(ctx context.Context, yes bool) context.Context {
	return context.WithValue(ctx, repeatKey{}, yes)
}

// twice says whether a request may be sent again when nobody knows what became of it.
func twice(req *http.Request) bool {
	if yes, said := req.Context().Value(repeatKey{}).(bool); said {
		return yes
	}
	return req.Method != http.MethodPost
}

// sameMethod follows a redirect only where it asks for the same thing: a POST that
// was turned into a GET would be answered without having been done.
func sameMethod(req *http.Request, via []*http.Request) error {
	if req.Method != via[0].Method || len(via) >= 5 {
		return errors.New("the repository has moved")
	}
	return nil
}

// RoundTrip sends one request, several times if need be.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	fault := func(err error) error { return &Failure{Method: req.Method, Path: req.URL.EscapedPath(), Err: err} }
	if req.URL.Scheme != t.scheme || req.URL.Host != t.host {
		return nil, fault(errors.New("the forge redirects to another host, which is not to have the token"))
	}
	for try := 1; ; try++ {
		answer, err := t.send(req)
		if req.Context().Err() != nil {
			return nil, fault(req.Context().Err())
		}
		delay, again := t.again(req, answer, err)
		if !again || try == tries {
			if err != nil {
				return nil, fault(err)
			}
			return answer, nil
		}
		if err := t.wait(req.Context(), max(delay, backoff(try))); err != nil {
			return nil, fault(err)
		}
	}
}

// send tries once. The answer is read whole here, so that one that breaks off is
// like one that never came.
func (t *transport) send(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(req.Context(), once)
	defer cancel()
	one := req.Clone(ctx)
	one.Header.Set("Authorization", "Bearer "+t.token)
	if req.GetBody != nil {
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		one.Body = body
	}
	answer, err := t.base.RoundTrip(one)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, largest+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading the answer: %w", err)
	case len(text) > largest:
		return nil, fmt.Errorf("reading the answer: it has more than %d bytes", largest)
	case len(text) == 0 && answer.StatusCode < 300 && answer.StatusCode != http.StatusNoContent:
		return nil, errors.New("reading the answer: it is empty") // an empty answer is no empty list
	}
	if answer.StatusCode >= 400 { // a message of the server may repeat what it was sent
		text = bytes.ReplaceAll(text, []byte(t.token), []byte("[token]"))
	}
	answer.Request, answer.Body = req, io.NopCloser(bytes.NewReader(text))
	return answer, nil
}

// again says whether to try once more, and after how long.
func (t *transport) again(req *http.Request, answer *http.Response, err error) (time.Duration, bool) {
	switch {
	case err != nil:
		return 0, (twice(req) || neverSent(err)) && !untrusted(err)
	case limited(answer): // it was refused, not carried out
		delay := t.limit(answer)
		return delay, delay <= longest
	case answer.StatusCode >= 500 && answer.StatusCode != http.StatusNotImplemented:
		delay, _ := t.retryAfter(answer)
		return delay, twice(req) && delay <= longest
	}
	return 0, false
}

func backoff(try int) time.Duration {
	step := time.Second << (try - 1)
	// Jobs of one matrix are not to come back together.
	return step + time.Duration(rand.Int64N(int64(step/2))) //nolint:gosec // it is no secret
}

// neverSent says that there was no connection to send anything on.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func untrusted(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

// limited says whether a request was refused for coming too often. GitHub uses 403
// for it too.
func limited(answer *http.Response) bool {
	if answer.StatusCode == http.StatusTooManyRequests {
		return true
	}
	if answer.StatusCode != http.StatusForbidden {
		return false
	}
	text := strings.ToLower(string(peek(answer)))
	return answer.Header.Get("Retry-After") != "" || answer.Header.Get("X-RateLimit-Remaining") == "0" ||
		slices.ContainsFunc([]string{"secondary rate limit", "secondary-rate-limits", "abuse-rate-limits"}, func(s string) bool { return strings.Contains(text, s) })
}

// peek reads the body of an answer and leaves it there.
func peek(answer *http.Response) []byte {
	text, _ := io.ReadAll(answer.Body) // of memory: it cannot fail
	answer.Body = io.NopCloser(bytes.NewReader(text))
	return text
}

// limit is how long a limit lasts.
func (t *transport) limit(answer *http.Response) time.Duration {
	if delay, said := t.retryAfter(answer); said {
		return delay
	}
	if answer.Header.Get("X-RateLimit-Remaining") == "0" {
		if reset, err := strconv.ParseInt(answer.Header.Get("X-RateLimit-Reset"), 10, 64); err == nil {
			return max(time.Unix(reset, 0).Sub(t.now()), 0) // not added to: it may be the longest there is
		}
	}
	return secondary
}

// retryAfter is what the header of this name says, in seconds or as a date.
func (t *transport) retryAfter(answer *http.Response) (time.Duration, bool) {
	value := answer.Header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil {
		return max(time.Duration(seconds)*time.Second, 0), true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(at.Sub(t.now()), 0), true
	}
	return 0, false
}
