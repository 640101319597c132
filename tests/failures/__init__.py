"""The failure dictionary: a recorded sample for each entry, and texts that no entry may explain."""
