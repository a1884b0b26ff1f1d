"""Views for other systems: annotations, GitLab Code Quality, SARIF."""
