# The role of a service: it runs before service-iac and grants by name what that
# will make, so that a pod never waits for its rights.
provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = merge(var.tags, { environment = var.environment, service = var.service, owner = var.owner })
  }
}

locals {
  partition       = startswith(var.region, "cn-") ? "aws-cn" : startswith(var.region, "us-gov-") ? "aws-us-gov" : "aws"
  service_account = coalesce(var.service_account, var.service)

  # The charts run a migration before anything of the release, with an account of its own.
  service_accounts = distinct([local.service_account, "${var.service}-migration"])

  contracts = {
    for file in fileset("${path.module}/../modules", "*/contract.yaml") :
    yamldecode(file("${path.module}/../modules/${file}")).type => yamldecode(file("${path.module}/../modules/${file}"))
  }

  # One line for each type: penstock new infra-type adds it.
  resources = {
    dynamodb_tables = var.dynamodb_tables
    efs_volumes     = var.efs_volumes
    rds_clusters    = var.rds_clusters
    s3_buckets      = var.s3_buckets
    security_groups = var.security_groups
    sqs_queues      = var.sqs_queues
  }
}

module "access_policy" {
  source = "../modules/access-policy"

  contracts   = local.contracts
  resources   = local.resources
  partition   = local.partition
  region      = var.region
  account     = var.account
  environment = var.environment
  service     = var.service
}

resource "aws_iam_role" "this" {
  name                 = "${var.environment}-${var.service}"
  path                 = "/penstock/"
  description          = "Of the service ${var.service} in ${var.environment}"
  permissions_boundary = var.boundary
  assume_role_policy   = var.identity == "irsa" ? local.trust_irsa : local.trust_pod_identity
}

resource "aws_iam_role_policy" "this" {
  for_each = module.access_policy.policies

  name   = each.key
  role   = aws_iam_role.this.name
  policy = each.value

  lifecycle {
    precondition {
      condition     = sum([for policy in values(module.access_policy.policies) : length(policy)]) <= 10240
      error_message = "The policies of the role have ${sum([for policy in values(module.access_policy.policies) : length(policy)])} characters, AWS takes 10240: ask for fewer words, or split the service."
    }
  }
}

resource "aws_ssm_parameter" "role" {
  name           = "/${var.environment}/${var.service}/iam/role/arn"
  type           = "String"
  insecure_value = aws_iam_role.this.arn
}
