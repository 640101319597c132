"""Everything that prints: events and results become text or JSON."""
