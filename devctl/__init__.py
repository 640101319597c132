"""devctl: the development environment of a Go service in Docker."""

__version__ = "0.1.0"
