"""The order of steps. No decisions that need a table, no I/O of their own."""
