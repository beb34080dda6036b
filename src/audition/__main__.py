"""`python -m audition`: the same as the command `audition`."""

from audition.cli.ledger import main

main()
