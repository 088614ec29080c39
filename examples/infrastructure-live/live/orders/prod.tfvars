environment       = "prod"
max_receive_count = 10
