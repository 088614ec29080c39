environment       = "dvlp"
max_receive_count = 5
