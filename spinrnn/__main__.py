"""`python -m spinrnn` does the same as `spinrnn`."""

import sys

from spinrnn.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
