// Package registries says how one logs in to registries of images, bundles and stores: as
// docker login left it, and to ECR by the session with AWS.
package registries

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/penstock-dev/penstock/pipelines"
)

// Keychain has the logins of docker login and its credential helpers, and for a host of
// ECR that they know nothing of one that AWS hands out: whoever assumes a role by OIDC has
// no other. A login to ECR is fetched once for the process and lasts for hours.
var Keychain authn.Keychain = keychain{}

type keychain struct{}

// host is a private registry of ECR, whose account and region it names.
var host = regexp.MustCompile(`^([0-9]{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(amazonaws\.com(\.cn)?|on\.(aws|amazonwebservices\.com\.cn))$`)

// patience is how long AWS has to answer, retries included.
const patience = time.Minute

func (keychain) Resolve(target authn.Resource) (authn.Authenticator, error) {
	return keychain{}.ResolveContext(context.Background(), target)
}

// ResolveContext is Resolve, for as long as ctx lasts.
func (keychain) ResolveContext(ctx context.Context, target authn.Resource) (authn.Authenticator, error) {
	known, err := authn.Resolve(ctx, authn.DefaultKeychain, target)
	if err != nil || known != authn.Anonymous {
		return known, err
	}
	parts := host.FindStringSubmatch(target.RegistryStr())
	if parts == nil {
		return authn.Anonymous, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return fetched.of(ctx, target.RegistryStr(), parts[3])
}

// logins are those to registries of ECR, by host.
type logins struct {
	mu   sync.Mutex
	held map[string]login
}

type login struct {
	authn.Authenticator
	until time.Time
}

var fetched = logins{held: map[string]login{}}

// early is how long before its end a login is fetched anew: a push may last.
const early = time.Hour

func (l *logins) of(ctx context.Context, registry, region string) (authn.Authenticator, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known, ok := l.held[registry]; ok && time.Until(known.until) > early {
		return known, nil
	}
	got, err := ask(ctx, region)
	if err != nil {
		return nil, &pipelines.Error{Err: fmt.Errorf("asking ECR for a login to %q: %w", registry, err),
			Hint: "log in to AWS with the right ecr:GetAuthorizationToken, or to the registry with docker login"}
	}
	l.held[registry] = got
	return got, nil
}

// ask fetches a login. It is for every registry that the session may reach.
func ask(ctx context.Context, region string) (login, error) {
	settings, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return login{}, err
	}
	out, err := ecr.NewFromConfig(settings).GetAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return login{}, err
	}
	if len(out.AuthorizationData) == 0 {
		return login{}, errors.New("the answer holds none")
	}
	text, err := base64.StdEncoding.DecodeString(aws.ToString(out.AuthorizationData[0].AuthorizationToken))
	user, password, ok := strings.Cut(string(text), ":")
	if err != nil || !ok || password == "" {
		return login{}, errors.New("the answer holds none that can be read")
	}
	return login{authn.FromConfig(authn.AuthConfig{Username: user, Password: password}), aws.ToTime(out.AuthorizationData[0].ExpiresAt)}, nil
}
