# Who may take the role: the pods of the service and of its migration, in one namespace, and nobody else.
locals {
  oidc_provider_arn = "arn:${local.partition}:iam::${var.account}:oidc-provider/${coalesce(var.oidc_provider, "none")}"
  cluster_arn       = "arn:${local.partition}:eks:${var.region}:${var.account}:cluster/${coalesce(var.cluster, "none")}"

  trust_irsa = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "ServiceAccount"
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = local.oidc_provider_arn }
      Condition = {
        StringEquals = {
          "${coalesce(var.oidc_provider, "none")}:sub" = [for name in local.service_accounts : "system:serviceaccount:${var.namespace}:${name}"]
          "${coalesce(var.oidc_provider, "none")}:aud" = "sts.amazonaws.com"
        }
      }
    }]
  })

  # EKS gives the role to the pods of one association only; the tags of the session
  # hold even if somebody makes another.
  trust_pod_identity = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "PodIdentity"
      Effect    = "Allow"
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Principal = { Service = "pods.eks.amazonaws.com" }
      Condition = {
        StringEquals = {
          "aws:SourceAccount"                         = var.account
          "aws:RequestTag/kubernetes-namespace"       = var.namespace
          "aws:RequestTag/kubernetes-service-account" = local.service_accounts
        }
        ArnEquals = {
          "aws:SourceArn" = local.cluster_arn
        }
      }
    }]
  })
}

resource "aws_eks_pod_identity_association" "this" {
  count = var.identity == "pod-identity" ? 1 : 0

  cluster_name    = var.cluster
  namespace       = var.namespace
  service_account = local.service_account
  role_arn        = aws_iam_role.this.arn
}

resource "aws_eks_pod_identity_association" "migration" {
  count = var.identity == "pod-identity" && length(local.service_accounts) > 1 ? 1 : 0

  cluster_name    = var.cluster
  namespace       = var.namespace
  service_account = local.service_accounts[1]
  role_arn        = aws_iam_role.this.arn
}
