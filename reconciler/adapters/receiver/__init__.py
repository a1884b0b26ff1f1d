"""The receiver of the platform's webhooks: connections, verification, upkeep."""
