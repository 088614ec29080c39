/* A block comment
   of two lines */

# One
## Two
//Three
resource "null_resource" "a" { # opening
  # lead
  triggers = { # object
    a = 1      # one
    bb = 2     // two
    /* inline */ ccc = 3
  }            # closing

  /*
   * More
   */
  count = 1 /* trailing */
} # end

module "m" {
  source = "./m" # local

  # providers
  providers = {
    aws = aws.other
  }
}
# last line
