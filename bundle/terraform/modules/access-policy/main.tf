# From words to policies, with no provider: what is granted can be tested with
# terraform alone, and is known in full before anything is planned.
locals {
  # grants has one entry for each statement of each word that some resource asks for.
  grants = flatten([
    for type, resources in var.resources : [
      for word, statements in var.contracts[type].access : [
        for index, statement in statements : {
          type      = type
          sid       = join("", [for part in split("-", replace("${type}-${word}-${index}", "_", "-")) : title(part)])
          actions   = sort(statement.actions)
          templates = statement.resources
          names     = sort([for name, resource in resources : name if contains(resource.access, word)])
        } if statement.through == "role-policy"
      ]
    ]
  ])

  statements = [
    for grant in local.grants : {
      type = grant.type
      statement = {
        Sid    = grant.sid
        Effect = "Allow"
        Action = grant.actions
        Resource = flatten([
          for name in grant.names : [
            for template in grant.templates :
            replace(replace(replace(replace(replace(replace(template,
              "{partition}", var.partition),
              "{region}", var.region),
              "{account}", var.account),
              "{environment}", var.environment),
              "{service}", var.service),
            "{name}", name)
          ]
        ])
      }
    } if length(grant.names) > 0
  ]
}
