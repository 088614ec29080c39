// Package storetest starts the servers that tests of stores talk to, on loopback.
package storetest

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// S3 is a moto server behind a proxy. moto looks at the condition of a write and
// then writes, in two steps that two requests can interleave; the proxy lets one
// request through at a time, so that they are one step, as S3 promises them.
type S3 struct {
	// Endpoint is the proxy, Bucket a new bucket behind it.
	Endpoint, Bucket string
	// Lose is the number of coming writes of which the answer gets lost: they
	// are done, and the connection breaks.
	Lose atomic.Int32
	// Conflict is the number of coming writes that are refused, undone, as S3
	// does where two conditional writes meet.
	Conflict atomic.Int32
	// Careless makes the server pass over conditions, as one that does not know
	// them would.
	Careless atomic.Bool
	// Down makes every request fail without reaching the server.
	Down atomic.Bool
	// Refused counts the requests that were made to fail.
	Refused atomic.Int32
	// Writes counts the requests that may change something.
	Writes atomic.Int32
}

// open is moto's input; unreferenced it would be closed when garbage is collected.
var open io.Closer

// moto is started once for each test binary; it ends when its input does, which
// the system closes however this process ends.
var moto = sync.OnceValues(func() (string, error) {
	script := `import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
from moto.server import main
main(["-H", "127.0.0.1", "-p", "0"])`
	cmd := exec.Command("python3", "-c", script)
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE=/dev/null")
	input, err := cmd.StdinPipe()
	if err != nil {
		return "", err
	}
	open = input
	output, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return "", err
	}
	address := regexp.MustCompile(`Running on (http://127\.0\.0\.1:[0-9]+)`)
	var seen strings.Builder
	for lines := bufio.NewScanner(output); lines.Scan(); {
		fmt.Fprintln(&seen, lines.Text())
		if found := address.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return found[1], nil
		}
	}
	return "", fmt.Errorf("it ended: %s", seen.String())
})

var installed = sync.OnceValue(func() error {
	return exec.Command("python3", "-c", "import moto.server, flask").Run()
})

var buckets atomic.Int32

// NewS3 makes a bucket and sets the environment for those who use it. It skips
// the test where moto is not installed.
func NewS3(t *testing.T) *S3 {
	t.Helper()
	if err := installed(); err != nil {
		t.Skipf("SKIPPED: no moto server on this machine (python3 -m moto.server): %v", err)
	}
	server, err := moto()
	if err != nil {
		t.Fatalf("starting moto: %v", err)
	}
	target, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	s := &S3{Bucket: fmt.Sprintf("bucket-%d", buckets.Add(1))}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorLog = log.New(io.Discard, "", 0) // of clients that tests kill
	proxy := httptest.NewServer(s.handler((&queues{}).mend(forward)))
	t.Cleanup(proxy.Close)
	s.Endpoint = proxy.URL
	for _, pair := range s.Env() {
		key, value, _ := strings.Cut(pair, "=")
		t.Setenv(key, value)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, server+"/"+s.Bucket, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("making a bucket: %v, %v", answer, err)
	}
	_ = answer.Body.Close()
	return s
}

// Env is the environment of a process that uses the server.
func (s *S3) Env() []string {
	return []string{
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=eu-west-1",
	}
}

// Address is that of a store in the bucket, with a prefix that may be empty.
func (s *S3) Address(prefix string) string {
	return fmt.Sprintf("s3://%s/%s?region=eu-west-1&endpoint=%s", s.Bucket, prefix, url.QueryEscape(s.Endpoint))
}

func (s *S3) handler(next http.Handler) http.Handler {
	var turn sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.Down.Load() {
			s.Refused.Add(1)
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		writes := r.Method == http.MethodPut || r.Method == http.MethodDelete
		if writes {
			s.Writes.Add(1)
		}
		if writes && s.Conflict.Add(-1) >= 0 {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, "<Error><Code>ConditionalRequestConflict</Code><Message>try again</Message></Error>")
			return
		}
		if s.Careless.Load() {
			r.Header.Del("If-Match")
			r.Header.Del("If-None-Match")
		}
		turn.Lock()
		defer turn.Unlock()
		if writes && s.Lose.Add(-1) >= 0 {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		next.ServeHTTP(w, r)
	})
}
