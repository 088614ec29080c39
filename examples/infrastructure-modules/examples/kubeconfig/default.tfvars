namespace = "default"
