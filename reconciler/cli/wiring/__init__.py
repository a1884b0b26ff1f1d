"""What commands share to do a run: project, remote, far ends, outputs, reporting."""
