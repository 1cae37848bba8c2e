"""``python -m corecore``: the command line, where the scripts of an environment are not on the path."""

import sys

from corecore.app.cli import main

if __name__ == "__main__":
    sys.exit(main())
