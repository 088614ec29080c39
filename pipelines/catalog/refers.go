package catalog

// refers says of the type of a block and of a function whether the tree is needed
// to tell what they refer to.
func refers(name []byte) bool {
	switch string(name) {
	case "module", "terraform", "run", "dependency", "dependencies", "include", "backend", "cloud":
		return true
	}
	return readBy(string(name)) != nothing
}

// readBy is what a function reads, of the path in its first argument.
func readBy(function string) what {
	switch function {
	case "file", "filebase64", "fileexists", "templatefile", "filemd5", "filesha1", "filesha256", "filesha512",
		"filebase64sha256", "filebase64sha512", "sops_decrypt_file":
		return aFile
	case "fileset":
		return aTree
	case "read_terragrunt_config", "read_tfvars_file":
		return aConfig
	case "find_in_parent_folders":
		return above
	case "run_cmd", "get_repo_root", "get_path_from_repo_root":
		return anywhere
	}
	return nothing
}
