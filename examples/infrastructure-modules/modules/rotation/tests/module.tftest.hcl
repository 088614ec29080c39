# Makes nothing outside of Terraform: terraform test, in the module's directory.
run "first" {
  variables {
    days = 30
  }

  assert {
    condition     = timecmp(output.until, timeadd(plantimestamp(), "700h")) > 0
    error_message = "the rotation is due before its time"
  }
}

run "another_reason_is_another_generation" {
  variables {
    days   = 30
    reason = "leaked"
  }

  assert {
    condition     = output.generation != run.first.generation
    error_message = "the generation stayed as it was"
  }
}

run "too_long" {
  command = plan

  variables {
    days = 366
  }

  expect_failures = [var.days]
}
