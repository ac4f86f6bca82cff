"""`pawn-lab demo`; `pawn_lab/demo/study.py` is the whole procedure as a page of code."""

import sys

from pawn_lab.cli import main

if __name__ == "__main__":
    sys.argv.insert(1, "demo")
    main()
