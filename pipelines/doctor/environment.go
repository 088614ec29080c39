package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/config"
	"github.com/penstock-dev/penstock/pipelines/infratype"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/internal/process"
	"github.com/penstock-dev/penstock/pipelines/registries"
	"github.com/penstock-dev/penstock/pipelines/store"
	"github.com/penstock-dev/penstock/pipelines/values"
)

// ofEnvironment are the checks of a service in its environment.
func (d Doctor) ofEnvironment() []check {
	var once sync.Once
	var who string
	var asked error
	answered := make(chan struct{})
	// One answer serves the checks that come after it: each has its own deadline.
	identity := func(ctx context.Context) (string, error) {
		once.Do(func() {
			defer close(answered)
			who, asked = d.caller(ctx, store.Profile{})
		})
		select {
		case <-answered:
			return who, asked
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	after := func(ask func(context.Context) pipelines.Result) func(context.Context) pipelines.Result {
		return func(ctx context.Context) pipelines.Result {
			if _, err := identity(ctx); err != nil {
				return notRun("see credentials", "it needs credentials, and they do not work")
			}
			return ask(ctx)
		}
	}
	state := check{"state", d.state}
	if d.live().Backend.Type == "s3" {
		state.ask = after(d.state)
	}
	return []check{
		{"bundle", d.bundle},
		{"credentials", func(ctx context.Context) pipelines.Result {
			arn, err := identity(ctx)
			return asking(arn, err)
		}},
		{"role", after(d.role)}, state, {"cluster", d.cluster}, {"registry", d.registry},
	}
}

// live is what penstock.yaml says of the environment's state and roles.
func (d Doctor) live() config.Environment {
	all := d.Service.Config.Live.Environments
	if i := slices.IndexFunc(all, func(e config.Environment) bool { return e.Name == d.Service.Environment.Name }); i >= 0 {
		return all[i]
	}
	return config.Environment{}
}

func (d Doctor) bundle(ctx context.Context) pipelines.Result {
	b, err := d.Bundle(ctx)
	if err != nil {
		return failed(err)
	}
	terraform, err := fs.Sub(b.FS(), "terraform")
	if err != nil {
		return failed(err)
	}
	contracts, err := infratype.Load(terraform)
	if err != nil {
		return failed(fmt.Errorf("reading its contracts: %w", err))
	}
	signed := "not signed: a directory"
	if b.Signer != "" {
		signed = "signed by " + b.Signer
	}
	return pass("%s, %s, %d infrastructure types", strings.TrimSpace(b.Version+" "+b.Digest), printable.Text(signed, 100), len(contracts))
}

// caller is the ARN of who a login is.
func (d Doctor) caller(ctx context.Context, as store.Profile) (string, error) {
	settings, err := values.Settings(ctx, d.Service.Environment.Region, as)
	if err != nil {
		return "", err
	}
	out, err := sts.NewFromConfig(settings).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", values.Explained("asking AWS who this is", "sts:GetCallerIdentity", err)
	}
	return aws.ToString(out.Arn), nil
}

// asking is a check that AWS answers: what could not be asked is not known.
func asking(arn string, err error) pipelines.Result {
	var known *values.Failure
	switch {
	case err == nil:
		return pass("%s", arn)
	case errors.As(err, &known) && known.Unreachable:
		return pipelines.NotRunBecause(err)
	}
	return failed(err)
}

// role assumes the one that plans: it is what all local commands read with.
func (d Doctor) role(ctx context.Context) pipelines.Result {
	as, err := d.Login()
	if err != nil {
		return failed(err)
	}
	arn, err := d.caller(ctx, as)
	if err != nil {
		return asking(arn, err)
	}
	if parts := strings.Split(arn, ":"); len(parts) < 5 || parts[4] != d.Service.Environment.Account {
		return fail("log in to the account of the environment, or set live.environments[].roles.plan", "%s is not in the account %s of %q", arn, d.Service.Environment.Account, d.Service.Environment.Name)
	}
	if as == (store.Profile{}) {
		return pass("%s; no role is set, so the session is used as it is", arn)
	}
	return pass("%s", arn)
}

func (d Doctor) state(ctx context.Context) pipelines.Result {
	backend := d.live().Backend
	switch backend.Type {
	case "", "local":
		return pass("kept on this machine")
	case "s3":
	default:
		return notRun("plan a stack to see whether it is reachable", "it is kept by the backend %q, which is not asked", backend.Type)
	}
	bucket, _ := backend.Config["bucket"].(string)
	region, _ := backend.Config["region"].(string)
	bucket = strings.NewReplacer("{env}", d.Service.Environment.Name).Replace(bucket)
	if region == "" {
		region = d.Service.Environment.Region
	}
	if bucket == "" {
		return fail("set backend.config.bucket of the environment under live", "the backend s3 names no bucket")
	}
	as, err := d.Login()
	if err != nil {
		return failed(err)
	}
	settings, err := values.Settings(ctx, region, as)
	if err != nil {
		return failed(err)
	}
	client := s3.NewFromConfig(settings, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
	if _, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket}); err != nil {
		var answered interface{ HTTPStatusCode() int }
		if errors.As(err, &answered) && answered.HTTPStatusCode() == http.StatusNotFound {
			return fail("correct backend.config.bucket, or ask the platform team for the bucket", "there is no bucket %q", bucket)
		}
		if errors.As(err, &answered) && answered.HTTPStatusCode() == http.StatusForbidden {
			return fail("ask the platform team to let the environment's role read the state", "access to the bucket %q is denied", bucket)
		}
		return failed(values.Explained(fmt.Sprintf("asking for the bucket %q", bucket), "s3:ListBucket", err))
	}
	return pass("the bucket %q is reachable", bucket)
}

func (d Doctor) cluster(ctx context.Context) pipelines.Result {
	if _, err := exec.LookPath("kubectl"); err != nil {
		return notRun("install kubectl, and put it on PATH", "kubectl, which asks it, is not on PATH")
	}
	argv, called := []string{"kubectl", "get", "--raw", "/readyz", "--request-timeout", "10s"}, "the current context"
	if c := d.Service.Environment.Cluster.Context; c != "" {
		argv, called = append(argv, "--context", c), fmt.Sprintf("the context %q", c)
	}
	out, err := process.Run(ctx, process.Command{Argv: argv, Env: os.Environ(), Limit: 1 << 20})
	if err != nil {
		return notRun("", "%v", err)
	}
	if out.Exit != 0 {
		lines := strings.Split(strings.TrimSpace(string(out.Stderr)), "\n")
		return fail("kubectl config get-contexts says which there are; set cluster.context of the environment", "%s: %s", called, printable.Text(lines[len(lines)-1], 300))
	}
	return pass("%s answers", called)
}

func (d Doctor) registry(ctx context.Context) pipelines.Result {
	image := d.Service.Config.Service.Image
	if image == "" {
		return fail("set service.image in penstock.yaml", "the service names no image")
	}
	repository, err := name.NewRepository(image)
	if err != nil {
		return fail("correct service.image in penstock.yaml", "%v", err)
	}
	auth, err := authn.Resolve(ctx, registries.Keychain, repository)
	if err == nil {
		_, err = transport.NewWithContext(ctx, repository.Registry, auth, http.DefaultTransport, []string{repository.Scope(transport.PullScope)})
	}
	if err != nil {
		return fail("docker login "+repository.RegistryStr()+", or look at the network", "%s: %s", repository.RegistryStr(), printable.Text(err.Error(), 300))
	}
	return pass("%s answers", repository.RegistryStr())
}
