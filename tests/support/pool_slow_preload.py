"""A module that takes its time, and says when it was imported."""

import os
import time
from pathlib import Path

time.sleep(30)
Path(os.environ["SLOW_PRELOAD"]).touch()
