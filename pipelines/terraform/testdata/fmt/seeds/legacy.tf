variable "names" {
  type = "list"
}

variable "map" {
  type = "map"
}

variable "bare" {
  type = list
}

variable text {
  type    = "string"
  default = "${"nested"}"
}

resource aws_instance "web" {
  ami           = "${var.ami}"
  instance_type = "${var.size}.large"
  user_data     = "${file("${path.module}/init.sh")}"
  count         = "${
    length(var.names)
  }"
  tags = {
    Name = "${var.names[0]}"
  }
  root_block_device {
    volume_size = "${var.size > 1 ? 20 : 10}"
  }
}

resource /* kind */ "aws_eip" /* name */ "this" { # comment
  instance = "${aws_instance.web.0.id}"
}

output "esc\"aped" {
  value = "${ var.a }${ var.b }"
}
