"""What one engine file asks for, and its fingerprint. No lockfile, no plan."""
