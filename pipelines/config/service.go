package config

import "github.com/penstock-dev/penstock/pipelines"

// Service describes a service repository: what is deployed, by which bundle, and
// where. How state is kept and who may apply is said by Live.
type Service struct {
	// Name of the service; it is a part of every name that is made for it.
	Name string `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]{1\\,30}$"`
	// Owner is the squad that answers for it.
	Owner string `json:"owner" jsonschema:"required,minLength=1"`
	// Namespace in the cluster. Default: the name.
	Namespace string `json:"namespace,omitempty" jsonschema:"pattern=^[a-z][a-z0-9-]*$"`
	// Bundle is what the platform gives: Terraform, charts and policies.
	Bundle Bundle `json:"bundle,omitempty"`
	// Image is the repository of the image, such as registry.example.com/shop/orders, without a tag.
	Image string `json:"image,omitempty" jsonschema:"minLength=1"`
	// Chart is what is released. Default: http-service of the bundle.
	Chart Chart `json:"chart,omitempty"`
	// Deploy bounds what a deploy of the chart may take and keep.
	Deploy Deploy `json:"deploy,omitempty"`
	// Smoke is asked after a deploy.
	Smoke Smoke `json:"smoke,omitempty"`
	// Secrets are references by name of the environment variable; never a value.
	Secrets map[string]SecretRef `json:"secrets,omitempty"`
	// Environments in which the service runs; each is one of live.environments.
	Environments []ServiceEnvironment `json:"environments,omitempty"`
	// Position is where the section stands.
	Position pipelines.Position `json:"-"`
}

// Bundle pins the archive of the platform.
type Bundle struct {
	// Version, such as 1.4.0.
	Version string `json:"version,omitempty" jsonschema:"pattern=^[0-9]+\\.[0-9]+\\.[0-9]+"`
	// Digest of the archive: sha256:...
	Digest string `json:"digest,omitempty" jsonschema:"pattern=^sha256:[0-9a-f]{64}$"`
	// From is where it is published: a directory, s3://BUCKET/PREFIX or oci://REGISTRY/REPOSITORY.
	From string `json:"from,omitempty" jsonschema:"minLength=1"`
	// Signers may sign it: their public keys by name.
	Signers map[string]string `json:"signers,omitempty"`
}

// Chart names a chart of the bundle, or one of a third party.
type Chart struct {
	// Name of the chart.
	Name string `json:"name,omitempty" jsonschema:"pattern=^[a-z][a-z0-9-]*$"`
	// Repository of a third party's chart: oci://... or https://...; without it the bundle's.
	Repository string `json:"repository,omitempty" jsonschema:"minLength=1"`
	// Version and Digest pin a third party's chart; both are required for one.
	Version string `json:"version,omitempty" jsonschema:"minLength=1"`
	Digest  string `json:"digest,omitempty" jsonschema:"pattern=^sha256:[0-9a-f]{64}$"`
	// NoSchema is the reason why a third party's chart without values.schema.json is accepted.
	NoSchema string `json:"no_schema,omitempty" jsonschema:"minLength=1"`
}

// SecretRef says where a secret is.
type SecretRef struct {
	// Key in the store, such as shop/orders/database.
	Key string `json:"key" jsonschema:"required,minLength=1"`
	// Property of a secret that is a JSON object.
	Property string `json:"property,omitempty" jsonschema:"minLength=1"`
}

// ServiceEnvironment is where the service runs.
type ServiceEnvironment struct {
	// Name is that of one of live.environments.
	Name string `json:"name" jsonschema:"required,pattern=^[a-z][a-z0-9-]*$"`
	// Account (12 digits) and Region of AWS.
	Account string `json:"account" jsonschema:"required,pattern=^[0-9]{12}$"`
	Region  string `json:"region" jsonschema:"required,minLength=1"`
	// Boundary is the ARN of the permission boundary of the service's role.
	Boundary string `json:"boundary,omitempty" jsonschema:"minLength=1"`
	// Cluster is the Kubernetes cluster.
	Cluster Cluster `json:"cluster,omitempty"`
	// Enabled: false deploys nothing there. Default true.
	Enabled *bool `json:"enabled,omitempty"`
	// OptOut leaves parts out, visibly and until a date.
	OptOut []OptOut `json:"opt_out,omitempty"`
	// Position is where it stands.
	Position pipelines.Position `json:"-"`
}

// Cluster is how a service reaches its Kubernetes cluster and is trusted by AWS.
type Cluster struct {
	// Name of the EKS cluster.
	Name string `json:"name,omitempty" jsonschema:"minLength=1"`
	// Context of the kubeconfig. Default: the current one.
	Context string `json:"context,omitempty" jsonschema:"minLength=1"`
	// Identity is how pods get the role. Default irsa.
	Identity string `json:"identity,omitempty" jsonschema:"enum=irsa,enum=pod-identity"`
	// OIDCProvider is the cluster's issuer without https://, for irsa.
	OIDCProvider string `json:"oidc_provider,omitempty" jsonschema:"minLength=1"`
}

// OptOut leaves one part of service-deploy out.
type OptOut struct {
	// Part is what is left out.
	Part string `json:"part" jsonschema:"required,enum=image,enum=service-iam,enum=service-iac,enum=helm-values,enum=helm-deploy"`
	// Reason, Owner and Expires (YYYY-MM-DD, UTC, the last day).
	Reason  string `json:"reason" jsonschema:"required,minLength=1"`
	Owner   string `json:"owner" jsonschema:"required,minLength=1"`
	Expires string `json:"expires" jsonschema:"required,format=date"`
	// Position is where it stands.
	Position pipelines.Position `json:"-"`
}
