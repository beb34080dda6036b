"""What the numbers look like to a person: in the terminal, as data, as figures."""

import logging

# Of a home that cannot be written, matplotlib would say in two lines that it does without.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
