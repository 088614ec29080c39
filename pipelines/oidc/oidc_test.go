package oidc_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/live"
	"github.com/penstock-dev/penstock/pipelines/oidc"
)

// forge is a loopback token endpoint, and the cloud's that takes its tokens. The clock
// of both is the test's.
type forge struct {
	*httptest.Server
	now      atomic.Int64
	tokens   atomic.Int64
	broken   atomic.Int64 // answers the next that many requests with 503
	sessions []string
}

const asked = "the-right-to-ask"

// lasting is how long a token lives, in seconds of the test's clock.
const lasting = 60

func newForge(t *testing.T) *forge {
	f := &forge{}
	f.now.Store(1_800_000_000)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+asked || r.URL.Query().Get("audience") != oidc.Audience || r.URL.Query().Get("api-version") != "2.0" {
			http.Error(w, "you said "+r.Header.Get("Authorization"), http.StatusForbidden)
			return
		}
		if f.broken.Add(-1) >= 0 {
			http.Error(w, "come back", http.StatusServiceUnavailable)
			return
		}
		now := f.now.Load()
		claims := fmt.Sprintf(`{"iat":%d,"exp":%d,"jti":"%d"}`, now, now+lasting, f.tokens.Add(1))
		enc := base64.RawURLEncoding.EncodeToString
		_ = json.NewEncoder(w).Encode(map[string]string{"value": enc([]byte("{}")) + "." + enc([]byte(claims)) + ".c2ln"})
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		var claims struct {
			Expires int64  `json:"exp"`
			ID      string `json:"jti"`
		}
		body, err := base64.RawURLEncoding.DecodeString(strings.Split(r.FormValue("WebIdentityToken")+"..", ".")[1])
		if err != nil || json.Unmarshal(body, &claims) != nil || f.now.Load() >= claims.Expires {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>Token expired</Message></Error></ErrorResponse>`)
			return
		}
		f.sessions = append(f.sessions, claims.ID)
		fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>A%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, claims.ID)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *forge) getenv(name string) string {
	return map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": f.URL + "/token?api-version=2.0", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": asked}[name]
}

// clock lets the test say when a wait is over, and hear that one began.
type clock struct {
	waits chan time.Duration
	over  chan time.Time
}

func newClock() *clock { return &clock{make(chan time.Duration), make(chan time.Time)} }

func (c *clock) after(d time.Duration) <-chan time.Time {
	c.waits <- d
	return c.over
}

// assume takes a role with the token in a file, as terraform's provider does: by the SDK,
// from a configuration of the AWS tools.
func assume(t *testing.T, file string) error {
	t.Helper()
	as, err := live.Login(t.TempDir(), "arn:aws:iam::000000000000:role/plan", "ines", file)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("eu-west-1"),
		config.WithSharedConfigFiles([]string{as.File}), config.WithSharedConfigProfile(as.Name))
	if err != nil {
		t.Fatal(err)
	}
	_, err = settings.Credentials.Retrieve(t.Context())
	return err
}

// A deploy that lasts for longer than a token assumes its roles all the same, and would
// not with the first token.
func TestEachAssumeHasAFreshToken(t *testing.T) {
	f, c := newForge(t), newClock()
	t.Setenv("AWS_ENDPOINT_URL_STS", f.URL)
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	told := make(chan error, 10)
	ctx, cancel := context.WithCancel(t.Context())
	file, stop, err := oidc.Keeper{Getenv: f.getenv, Tell: func(err error) { told <- err }, After: c.after}.Keep(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel() // a command that is told to stop still winds up
	once := filepath.Join(t.TempDir(), "token")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(once, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := assume(t, file); err != nil {
		t.Fatal(err)
	}
	wait := <-c.waits
	for range 9 { // nine minutes
		if wait != lasting/2*time.Second {
			t.Fatalf("it waits %s of a token that lives %d s", wait, lasting)
		}
		f.now.Add(int64(wait / time.Second))
		c.over <- time.Time{}
		wait = <-c.waits // the new one is written
		if err := assume(t, file); err != nil {
			t.Fatal(err)
		}
	}
	if err := assume(t, once); err == nil || !strings.Contains(err.Error(), "ExpiredTokenException") {
		t.Errorf("the first token still opens: %v", err)
	}
	if got, want := strings.Join(f.sessions, " "), "1 2 3 4 5 6 7 8 9 10"; got != want {
		t.Errorf("the tokens %s opened, want %s", got, want)
	}

	// The endpoint is away for a moment: the token before stays, and it is asked again.
	f.broken.Store(1)
	f.now.Add(int64(wait / time.Second))
	c.over <- time.Time{}
	if wait = <-c.waits; wait != 5*time.Second {
		t.Errorf("it tries again after %s", wait)
	}
	if err := <-told; !strings.Contains(err.Error(), "it answered with 503") {
		t.Errorf("told: %v", err)
	}
	if err := assume(t, file); err != nil {
		t.Error(err)
	}
	c.over <- time.Time{}
	<-c.waits
	if got := f.tokens.Load(); got != 11 {
		t.Errorf("%d tokens were handed out", got)
	}
	stop()
	if _, err := os.Stat(filepath.Dir(file)); !os.IsNotExist(err) {
		t.Errorf("the token stays: %v", err)
	}
}

func TestWithoutTheRightToAsk(t *testing.T) {
	f := newForge(t)
	for name, one := range map[string]struct {
		getenv func(string) string
		want   string
	}{
		"not in a job": {func(string) string { return "" }, "ACTIONS_ID_TOKEN_REQUEST_URL is empty"},
		"another token": {func(name string) string { return strings.ReplaceAll(f.getenv(name), asked, "stale-secret") },
			"it answered with 403"},
		"nobody there": {func(name string) string {
			return strings.ReplaceAll(f.getenv(name), f.URL, "http://127.0.0.1:1/secret-path")
		}, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			over := make(chan time.Time)
			close(over)
			_, _, err := oidc.Keeper{Getenv: one.getenv, After: func(time.Duration) <-chan time.Time { return over }}.Keep(t.Context())
			if err == nil || !strings.Contains(err.Error(), one.want) {
				t.Fatalf("got %v, want %q", err, one.want)
			}
			for _, secret := range []string{"stale-secret", "secret-path"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows %s: %v", secret, err)
				}
			}
			var known *pipelines.Error
			if one.want != "connection refused" && (!errors.As(err, &known) || !strings.Contains(known.Hint, "id-token: write")) {
				t.Errorf("the hint is %+v", known)
			}
		})
	}
}
