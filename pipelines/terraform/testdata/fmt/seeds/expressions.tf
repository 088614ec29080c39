locals {
  a   = 1 + 2 * 3 - -4 / 5 % 6
  b   = !var.on && (var.x || var.y)
  cc  = var.x == null ? [] : [var.x]
  ddd = var.list[*].id
  e   = var.list.*.id
  f   = var.map["key"].value[0]
  g   = { (var.key) = "value", "quoted" : 1, plain = true }
  h   = [for k, v in var.map : upper(k) if v != ""]
  i   = { for v in var.list : v.k => v.v... }
  j = concat(
    ["a", "b"], # first
    // second
    var.more...,
  )
  k = "escaped \" \\ \n \u00e9 $${not} %%{not}"
  l = (
    var.a
    + var.b
  )
  m = <<EOT
plain
EOT
  n = 0x1f == 31 ? 1e10 : 1.5E-3
  o = [

    1,

    2
  ]
  p = { a = { b = { c = [[[]]] } } }
  q = "unicode: żółć 名前 👍"
  r = length([for s in ["a"] : s]) >= 1
}
