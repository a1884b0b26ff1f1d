"""Views for a browser: a plan, a run's result or the status as one file that needs nothing else."""
