# Runs without an account: terraform test, in the module's directory.
mock_provider "aws" {}

run "nothing_is_lost_by_accident" {
  command = plan

  variables {
    name       = "orders"
    subnet_ids = ["subnet-1", "subnet-2"]
  }

  assert {
    condition     = aws_db_instance.this.deletion_protection && aws_db_instance.this.backup_retention_period >= 7 && aws_db_instance.this.final_snapshot_identifier == "orders-final"
    error_message = "the database can be deleted without a way back"
  }

  assert {
    condition     = aws_db_instance.this.storage_encrypted && !aws_db_instance.this.publicly_accessible && aws_db_instance.this.manage_master_user_password
    error_message = "the database is readable by others"
  }
}
