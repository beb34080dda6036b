"""A module whose import ends the process."""

import os
import sys

print("oh no", file=sys.stderr, flush=True)
os._exit(3)
