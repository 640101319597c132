"""`python -m devctl`: the same program as the `devctl` script."""

import sys

from devctl.cli.app import main

if __name__ == "__main__":
    sys.exit(main())
