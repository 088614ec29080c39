package values

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// batch is how many names SSM takes at once.
const batch = 10

// attempts are those of one request, the first included: with the SDK's back-off of
// up to 20 s a throttled account has about a minute to recover.
const attempts = 8

// AWS reads parameters of SSM and asks for secrets of Secrets Manager.
type AWS struct {
	parameters *ssm.Client
	secrets    *secretsmanager.Client
}

// NewAWS prepares the clients of a region; nothing is asked of it yet. as is how to log in,
// see live.Login. An endpoint of one's own is taken from AWS_ENDPOINT_URL; the SDK assumes
// a role at AWS_ENDPOINT_URL_STS.
func NewAWS(ctx context.Context, region string, as store.Profile) (*AWS, error) {
	settings, err := Settings(ctx, region, as)
	if err != nil {
		return nil, err
	}
	return newAWS(settings, func(o *retry.StandardOptions) { o.MaxAttempts = attempts }), nil
}

func newAWS(settings aws.Config, patience func(*retry.StandardOptions)) *AWS {
	settings.Retryer = func() aws.Retryer {
		return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) { o.StandardOptions = append(o.StandardOptions, again, patience) })
	}
	return &AWS{parameters: ssm.NewFromConfig(settings), secrets: secretsmanager.NewFromConfig(settings)}
}

// again sends what was answered with 429 and no word of AWS, as a proxy does.
func again(o *retry.StandardOptions) {
	o.Retryables = append(o.Retryables, retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{http.StatusTooManyRequests: {}}})
}

// Settings are those of the AWS SDK for a region and a login.
func Settings(ctx context.Context, region string, as store.Profile) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(region)}
	if as.File != "" {
		options = append(options, config.WithSharedConfigFiles([]string{as.File}), config.WithSharedConfigProfile(as.Name))
	}
	settings, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return settings, fmt.Errorf("reading the configuration of AWS: %w", err)
	}
	return settings, nil
}

// Look asks for the parameters in batches, and never for one to be decrypted.
func (a *AWS) Look(ctx context.Context, names []string) (map[string]Parameter, error) {
	found := map[string]Parameter{}
	for some := range slices.Chunk(names, batch) {
		out, err := a.parameters.GetParameters(ctx, &ssm.GetParametersInput{Names: some, WithDecryption: aws.Bool(false)})
		if err != nil {
			return nil, Explained(fmt.Sprintf("reading %d parameters of SSM from %q on", len(some), some[0]), "ssm:GetParameters", err)
		}
		for _, p := range out.Parameters {
			one := Parameter{Secret: p.Type == types.ParameterTypeSecureString}
			if !one.Secret { // what is encrypted is not kept, though it is not readable
				one.Value = aws.ToString(p.Value)
			}
			found[aws.ToString(p.Name)] = one
		}
		// An answer that is silent about a name says nothing about it.
		for _, name := range some {
			if _, ok := found[name]; !ok && !slices.Contains(out.InvalidParameters, name) {
				return nil, fmt.Errorf("reading parameters of SSM: the answer does not say whether there is %q", name)
			}
		}
	}
	return found, nil
}

// Without describes each secret, which does not show what is in it.
func (a *AWS) Without(ctx context.Context, keys []string) ([]string, error) {
	var missing []string
	var refused []error
	for _, key := range keys {
		out, err := a.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &key})
		switch code := codeOf(err); {
		case code == "ResourceNotFoundException", err == nil && out.DeletedDate != nil: // one that waits to be deleted can no longer be read
			missing = append(missing, key)
		case err == nil:
		case denied(code): // the others are asked for all the same: rights are given at once
			refused = append(refused, Explained(fmt.Sprintf("looking for the secret %q", key), "secretsmanager:DescribeSecret", err))
		default:
			return nil, Explained(fmt.Sprintf("looking for the secret %q", key), "secretsmanager:DescribeSecret", err)
		}
	}
	if len(refused) > 0 {
		return nil, errors.Join(refused...)
	}
	return missing, nil
}

// codeOf is the one of the service's error, empty where it is none.
func codeOf(err error) string {
	var known smithy.APIError
	if errors.As(err, &known) {
		return known.ErrorCode()
	}
	return ""
}

var (
	deniedCodes    = []string{"AccessDenied", "UnauthorizedOperation", "NotAuthorized"}
	throttledCodes = []string{"Throttl", "TooManyRequests", "RequestLimitExceeded", "SlowDown"}
	sessionCodes   = []string{"ExpiredToken", "InvalidClientTokenId", "UnrecognizedClient", "SignatureDoesNotMatch", "IncompleteSignature", "RequestExpired", "InvalidSignature"}
)

func oneOf(code string, marks []string) bool {
	return slices.ContainsFunc(marks, func(mark string) bool { return strings.Contains(code, mark) })
}

func denied(code string) bool { return oneOf(code, deniedCodes) }

// Explained is an error of the SDK as people need it: what was being done, why it was
// not, and what to do. right is what the role has to be allowed.
func Explained(doing, right string, err error) error {
	code, status := codeOf(err), 0
	var answered interface{ HTTPStatusCode() int }
	if errors.As(err, &answered) {
		status = answered.HTTPStatusCode()
	}
	say := func(hint, format string, args ...any) error {
		return &pipelines.Error{Err: fmt.Errorf("%s: %w", doing, &Failure{Reason: fmt.Sprintf(format, args...), Cause: err}), Hint: hint}
	}
	ask := "ask the platform team to allow " + right + " to the environment's role"
	if strings.Contains(err.Error(), "operation error STS: AssumeRole") { // on the way to what was being done
		doing += ": assuming the environment's role"
		ask = "ask the platform team who may assume it, or log in as someone who may"
	}
	var unsent *smithyhttp.RequestSendError
	switch text := err.Error(); {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s: %w", doing, err)
	case denied(code):
		return say(ask, "access denied (%s)", code)
	case oneOf(code, throttledCodes), status == http.StatusTooManyRequests:
		return say("wait a little, and run it again", "still throttled after %d attempts (%s)", tried(err), orWords(code, "429"))
	case oneOf(code, sessionCodes):
		return say("log in to AWS again, then run penstock doctor", "the session is not accepted (%s)", code)
	case strings.Contains(text, "IMDS"): // the last place where the SDK looks for credentials
		return say("log in to AWS, then run penstock doctor", "there are no credentials")
	case errors.As(err, &unsent):
		return &pipelines.Error{Err: fmt.Errorf("%s: %w", doing, &Failure{Reason: "the service cannot be reached", Cause: err, Unreachable: true}), Hint: "look at the network, then run penstock doctor"}
	case code != "" && code != "UnknownError":
		return say("run it again later; penstock doctor says what is reachable", "AWS answered %s", code)
	case strings.Contains(text, "get credentials"), strings.Contains(text, "get identity"):
		return say("log in to AWS, then run penstock doctor", "there are no credentials that work")
	case status > 0:
		return say("run it again later; penstock doctor says what is reachable", "the service answered with status %d, and nothing that can be read", status)
	}
	return say("run penstock doctor", "the answer cannot be read")
}

// tried is how often a request was sent.
func tried(err error) int {
	var over *retry.MaxAttemptsError
	if errors.As(err, &over) {
		return over.Attempt
	}
	return 1
}

func orWords(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// Failure is an error of AWS in a few words: the SDK's own are many, with the id of
// the request and hosts in them.
type Failure struct {
	Reason string
	Cause  error
	// Unreachable says that no answer came, so that nothing is known.
	Unreachable bool
}

func (f *Failure) Error() string { return f.Reason }

// Unwrap returns the SDK's error.
func (f *Failure) Unwrap() error { return f.Cause }
