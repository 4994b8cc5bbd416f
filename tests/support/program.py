"""The command line as a program: what a process of its own is started with."""

import sys

PROGRAM = (sys.executable, "-c", "from etl.cli import main; main()")
