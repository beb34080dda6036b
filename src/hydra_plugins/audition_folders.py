"""`${expanduser:PATH}` in a config: the path with `~` as the home folder, as a shell reads it.

Hydra imports every module of this namespace at start-up, before it makes a folder of its own.
"""

import os

from omegaconf import OmegaConf

OmegaConf.register_new_resolver("expanduser", os.path.expanduser, replace=True)
