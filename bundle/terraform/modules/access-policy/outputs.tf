output "policies" {
  description = "The policy of each type from which something is granted, as JSON."
  value = {
    for type in distinct([for s in local.statements : s.type]) : type => jsonencode({
      Version   = "2012-10-17"
      Statement = [for s in local.statements : s.statement if s.type == type]
    })
  }
}
