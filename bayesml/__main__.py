"""``python -m bayesml`` is the same as ``bayesml``."""

import sys

from bayesml.cli import main

if __name__ == "__main__":
    sys.exit(main())
