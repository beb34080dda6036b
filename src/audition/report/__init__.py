"""How answers are shown: printed in the terminal, on a page, in figures and in files."""

import logging

# Of a home that cannot be written, matplotlib would say in two lines that it does without.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
