package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	tagging "github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi/types"

	"github.com/penstock-dev/penstock/pipelines"
	"github.com/penstock-dev/penstock/pipelines/deployed"
	"github.com/penstock-dev/penstock/pipelines/internal/printable"
	"github.com/penstock-dev/penstock/pipelines/store"
)

// tagOfRun is on everything that the AWS provider makes in a run.
const tagOfRun = "penstock:run"

// lastLook asks AWS what still has the tag of the run, wherever its provider took part. It
// finds what no state and no intent tells of. The answer lags behind what is destroyed, so
// what is still listed is asked for again.
func (s *sweeping) lastLook(ctx context.Context, r deployed.Run, all []deployed.Deployment, result *pipelines.Result) {
	for _, at := range tookPart(all) {
		left, err := tagged(ctx, at, r.ID)
		for try, pause := 1, s.Pause; err == nil && len(left) > 0 && try < tries; try++ {
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			pause *= 3
			left, err = tagged(ctx, at, r.ID)
		}
		if err != nil {
			result.Verdict, result.Reason = pipelines.NotRun, "asking AWS what has the tag of the run: "+printable.Text(err.Error(), 400)
			result.Hint = "set credentials of the account in which the tests ran, which may call tag:GetResources"
			continue
		}
		result.Judged["tagged_looks"]++
		gone, err := s.destroyed(ctx, all)
		if err != nil {
			result.Verdict, result.Reason = pipelines.NotRun, "reading what was destroyed: "+printable.Text(err.Error(), 400)
			continue
		}
		for _, arn := range left {
			if gone[arn] { // AWS lists it for a while, and a key until its deletion is due
				result.Judged["destroyed_and_still_listed"]++
				continue
			}
			result.Findings = append(result.Findings, pipelines.Finding{Rule: LeakRule, Verdict: pipelines.Fail, Severity: pipelines.High, Resource: arn,
				Message: fmt.Sprintf("%s, begun %v ago by %s, still has the tag %s", arn, time.Since(r.Owner.Started).Round(time.Second), r.Owner.Actor, tagOfRun),
				Hint:    "destroy it; then penstock sweep " + r.ID})
		}
	}
}

// destroyed are the ARNs of what states of the deployments held once, and those at the end
// do not: terraform has destroyed it, and said so.
func (s *sweeping) destroyed(ctx context.Context, all []deployed.Deployment) (map[string]bool, error) {
	gone, kept := map[string]bool{}, map[string]bool{}
	for _, d := range all {
		for _, workspace := range d.Workspaces {
			is, err := s.states.State(ctx, d.Run, d.ID, workspace)
			if errors.Is(err, deployed.ErrState) || errors.Is(err, store.ErrNotFound) {
				continue // nobody knows what it held last
			}
			if err != nil {
				return nil, err
			}
			for _, held := range is.Resources {
				kept[held.ARN] = true
			}
			snapshots, err := s.states.Snapshots(ctx, d.Run, d.ID, workspace)
			if err != nil {
				return nil, err
			}
			for _, snapshot := range snapshots {
				for _, held := range snapshot.Resources {
					gone[held.ARN] = true
				}
			}
		}
	}
	maps.DeleteFunc(gone, func(arn string, _ bool) bool { return arn == "" || kept[arn] })
	return gone, nil
}

// where is one place to ask in.
type where struct{ region, endpoint string }

// tookPart are the places in which the AWS provider took part: by the environment that its
// tests had.
func tookPart(all []deployed.Deployment) []where {
	var found []where
	for _, d := range all {
		for _, step := range d.Steps {
			took := slices.ContainsFunc(step.Held, func(a string) bool { return strings.HasPrefix(typeOf(a), "aws_") })
			for _, c := range step.Creates {
				took = took || strings.HasPrefix(c.Type, "aws_")
			}
			if !took || step.Config == "" {
				continue
			}
			at := where{}
			for _, pair := range step.Env {
				name, value, _ := strings.Cut(pair, "=")
				switch name {
				case "AWS_REGION":
					at.region = value
				case "AWS_DEFAULT_REGION":
					if at.region == "" {
						at.region = value
					}
				case "AWS_ENDPOINT_URL":
					at.endpoint = value
				}
			}
			if !slices.Contains(found, at) {
				found = append(found, at)
			}
		}
	}
	return found
}

// tagged lists what has the tag of a run, by ARN.
func tagged(ctx context.Context, at where, run string) ([]string, error) {
	settings, err := config.LoadDefaultConfig(ctx, config.WithRegion(at.region))
	if err != nil {
		return nil, err
	}
	client := tagging.NewFromConfig(settings, func(o *tagging.Options) {
		if at.endpoint != "" {
			o.BaseEndpoint = &at.endpoint
		}
	})
	var found []string
	pages := tagging.NewGetResourcesPaginator(client, &tagging.GetResourcesInput{
		TagFilters: []types.TagFilter{{Key: aws.String(tagOfRun), Values: []string{run}}}})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, r := range page.ResourceTagMappingList {
			found = append(found, aws.ToString(r.ResourceARN))
		}
	}
	return found, nil
}
