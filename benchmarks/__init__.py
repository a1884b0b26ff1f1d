"""Speed of what users wait for, measured on whole processes. Kept and documented; never a timed test."""
