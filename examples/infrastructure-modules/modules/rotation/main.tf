resource "time_rotating" "this" {
  rotation_days = var.days
}

# Replaced when the time has come, or when somebody asks for it by another reason.
resource "terraform_data" "generation" {
  input = {
    since  = time_rotating.this.rfc3339
    reason = var.reason
    run    = var.penstock_run
  }

  triggers_replace = [time_rotating.this.rfc3339, var.reason]
}
