"""The outside world, one library to a module: YAML files, state files, platform HTTP, event stream, git, terminal."""
