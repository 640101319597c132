"""Each wraps one outside thing: an engine, a library, the file system, the clock."""
