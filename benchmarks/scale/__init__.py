"""What more engines cost: measured up to 100,000, and a model of what was measured for a million."""
