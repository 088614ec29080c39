output "parameters" {
  description = "Names of the SSM parameters that were written, by type, name and what they hold."
  value = {
    rds_clusters    = { for name, resource in module.rds_clusters : name => resource.parameters }
    s3_buckets      = { for name, resource in module.s3_buckets : name => resource.parameters }
    dynamodb_tables = { for name, resource in module.dynamodb_tables : name => resource.parameters }
    efs_volumes     = { for name, resource in module.efs_volumes : name => resource.parameters }
    security_groups = { for name, resource in module.security_groups : name => resource.parameters }
    sqs_queues      = { for name, resource in module.sqs_queues : name => resource.parameters }
  }
}
