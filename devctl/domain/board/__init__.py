"""The data that the full view of a running project shows."""
