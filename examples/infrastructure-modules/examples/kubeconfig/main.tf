module "kubeconfig" {
  source = "../../modules/kubeconfig"

  directory    = var.directory
  namespace    = var.namespace
  penstock_run = var.penstock_run

  cluster = {
    name                  = "example"
    endpoint              = "https://example.invalid"
    certificate_authority = "Y2VydGlmaWNhdGU="
  }
}
