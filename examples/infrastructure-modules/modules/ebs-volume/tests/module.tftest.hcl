# Runs without an account: terraform test, in the module's directory.
mock_provider "aws" {}

run "encrypted_with_a_key_of_its_own" {
  command = plan

  variables {
    name              = "data"
    availability_zone = "eu-west-1a"
  }

  assert {
    condition     = aws_ebs_volume.this.encrypted && aws_kms_key.this.enable_key_rotation
    error_message = "the volume is readable, or its key stays for ever"
  }
}
