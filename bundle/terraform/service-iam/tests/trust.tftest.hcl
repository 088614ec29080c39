# Who may take the role: the pods of the service and its migration, which runs before
# anything of the release is there, and nobody else.
mock_provider "aws" {}

variables {
  environment   = "pprd"
  service       = "shop"
  namespace     = "trade"
  owner         = "team-shop"
  account       = "123456789012"
  region        = "eu-west-1"
  oidc_provider = "oidc.example.com/id/1"
}

run "irsa_names_the_service_and_its_migration" {
  command = plan

  assert {
    condition = jsonencode(jsondecode(aws_iam_role.this.assume_role_policy).Statement[*].Condition) == jsonencode([{
      StringEquals = {
        "oidc.example.com/id/1:aud" = "sts.amazonaws.com"
        "oidc.example.com/id/1:sub" = ["system:serviceaccount:trade:shop", "system:serviceaccount:trade:shop-migration"]
      }
    }])
    error_message = "the trust is ${aws_iam_role.this.assume_role_policy}"
  }

  assert {
    condition     = length(aws_eks_pod_identity_association.this) + length(aws_eks_pod_identity_association.migration) == 0
    error_message = "irsa needs no association"
  }
}

run "pod_identity_has_an_association_for_each" {
  command = plan

  variables {
    identity = "pod-identity"
    cluster  = "platform"
  }

  assert {
    condition     = jsonencode(jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["aws:RequestTag/kubernetes-service-account"]) == jsonencode(["shop", "shop-migration"])
    error_message = "the trust is ${aws_iam_role.this.assume_role_policy}"
  }

  assert {
    condition     = [for a in concat(aws_eks_pod_identity_association.this, aws_eks_pod_identity_association.migration) : "${a.namespace}/${a.service_account}"] == ["trade/shop", "trade/shop-migration"]
    error_message = "an association is missing"
  }
}

run "another_account_of_the_service" {
  command = plan

  variables {
    service_account = "made-by-others"
  }

  assert {
    condition     = jsonencode(jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["oidc.example.com/id/1:sub"]) == jsonencode(["system:serviceaccount:trade:made-by-others", "system:serviceaccount:trade:shop-migration"])
    error_message = "the trust is ${aws_iam_role.this.assume_role_policy}"
  }
}

run "no_name_of_kubernetes" {
  command = plan

  variables {
    service_account = "shop*"
  }

  expect_failures = [var.service_account]
}
