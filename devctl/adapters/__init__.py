"""One outside thing each: an engine, a library, the file system, the clock."""
