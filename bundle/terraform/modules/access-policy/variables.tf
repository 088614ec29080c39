variable "contracts" {
  description = "The contract of each infrastructure type, by type: what its words of access allow."
  type = map(object({
    access = map(list(object({
      actions   = list(string)
      resources = optional(list(string), [])
      through   = optional(string, "role-policy")
    })))
  }))

  validation {
    condition = alltrue(flatten([
      for type, contract in var.contracts : [
        for word, statements in contract.access : [
          for statement in statements : [
            for action in statement.actions : can(regex("^[a-z0-9-]+:[A-Z][A-Za-z0-9]*$", action))
          ]
        ]
      ]
    ]))
    error_message = "A contract allows an action that is not one of AWS by its full name: no wildcards."
  }

  validation {
    condition = alltrue(flatten([
      for type, contract in var.contracts : [
        for word, statements in contract.access : [
          for statement in statements : [
            for resource in statement.resources : alltrue([
              for found in regexall("\\{[^}]*\\}", resource) :
              contains(["{partition}", "{region}", "{account}", "{environment}", "{service}", "{name}"], found)
            ]) && startswith(resource, "arn:{partition}:")
          ]
        ]
      ]
    ]))
    error_message = "A contract names a resource that is no ARN, or has a placeholder that is not one of {partition}, {region}, {account}, {environment}, {service}, {name}."
  }

  validation {
    condition = alltrue(flatten([
      for type, contract in var.contracts : [
        for word, statements in contract.access : [
          for statement in statements : contains(["role-policy", "resource-policy"], statement.through) && (length(statement.resources) > 0) == (statement.through == "role-policy")
        ]
      ]
    ]))
    error_message = "A contract grants through the role's policy without resources, or through a resource's own policy with some."
  }
}

variable "resources" {
  description = "What the service declares: by type and name, the words of access that it asks for."
  type        = map(map(object({ access = optional(list(string), []) })))

  validation {
    condition = alltrue([for type, resources in var.resources : contains(keys(var.contracts), type)])
    error_message = format("There is no infrastructure type %s. Types: %s.",
      join(", ", [for type, resources in var.resources : type if !contains(keys(var.contracts), type)]),
      join(", ", keys(var.contracts)),
    )
  }

  validation {
    condition = alltrue(flatten([
      for type, resources in var.resources : [
        for name, resource in resources : [
          for word in resource.access : contains(keys(try(var.contracts[type].access, {})), word)
        ]
      ]
    ]))
    error_message = join(" ", flatten([
      for type, resources in var.resources : [
        for name, resource in resources : [
          for word in resource.access : format("%s.%s: there is no access %q, %s.", type, name, word,
            length(try(var.contracts[type].access, {})) == 0 ? "this type has none" : "allowed are ${join(", ", keys(var.contracts[type].access))}",
          ) if !contains(keys(try(var.contracts[type].access, {})), word)
        ]
      ]
    ]))
  }

  validation {
    condition     = alltrue(flatten([for type, resources in var.resources : [for name, resource in resources : can(regex("^[a-z][a-z0-9-]*$", name))]]))
    error_message = "The name of a resource has lower-case letters, digits and -: it becomes a part of an ARN."
  }
}

variable "partition" {
  description = "Partition of AWS: aws, aws-cn or aws-us-gov."
  type        = string
}

variable "region" {
  description = "Region of the resources."
  type        = string
}

variable "account" {
  description = "Account of the resources."
  type        = string
}

variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "service" {
  description = "Name of the service."
  type        = string
}
