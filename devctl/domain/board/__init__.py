"""What the full view of a running project shows, as data."""
