"""Entry point of the desktop bundle: the lab's server over stdio."""

import sys

from pawn_lab.cli import main

if __name__ == "__main__":
    sys.argv[1:] = ["mcp"]
    main()
