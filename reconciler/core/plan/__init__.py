"""From difference to action: the plan as data, its guards, and plans that were saved."""
