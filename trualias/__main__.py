"""``python -m trualias``: the console script, also from a source tree that is not installed."""

import sys

from trualias.main import main

if __name__ == "__main__":
    sys.exit(main())
