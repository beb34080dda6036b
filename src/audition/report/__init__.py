"""How answers are shown: printed in the terminal, on a page, in figures and in files."""

import logging

# Where the home folder cannot be written, matplotlib would print two lines about it.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
