"""`python -m hooklane.cli`, the same as `hooklane`."""

from hooklane.cli import main

main(prog_name="hooklane")
