"""What the platform says, as values: jobs, webhooks, and how long to wait between tries."""
