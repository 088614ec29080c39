locals {
  kubeconfig = {
    apiVersion      = "v1"
    kind            = "Config"
    current-context = var.cluster.name

    clusters = [{
      name    = var.cluster.name
      cluster = { server = var.cluster.endpoint, certificate-authority-data = var.cluster.certificate_authority }
    }]

    contexts = [{
      name    = var.cluster.name
      context = { cluster = var.cluster.name, user = var.cluster.name, namespace = var.namespace }
    }]

    # A credential is asked for when it is needed: none is ever in the file.
    users = [{
      name = var.cluster.name
      user = { exec = { apiVersion = "client.authentication.k8s.io/v1", interactiveMode = "Never", command = "aws", args = ["eks", "get-token", "--cluster-name", var.cluster.name] } }
    }]

    extensions = [{ name = "penstock", extension = { run = var.penstock_run } }]
  }
}

resource "local_file" "this" {
  filename             = "${var.directory}/${var.cluster.name}.yaml"
  content              = yamlencode(local.kubeconfig)
  file_permission      = "0600"
  directory_permission = "0700"
}
