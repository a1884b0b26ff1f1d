"""What `reconcile init` sets up besides the files of the project itself."""
