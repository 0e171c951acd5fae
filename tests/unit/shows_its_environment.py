"""`python -m tests.unit.shows_its_environment`: a program for `test_forked.py`."""

import os
import sys

if __name__ == "__main__":
    sys.stdout.write(f"{dict(os.environ)}\n")
    sys.exit(3)
