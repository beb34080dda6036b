"""What a configuration near another one is, without composing all of it anew."""

import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from audition.config.groups import GROUPS
from audition.config.schema import signature
from audition.config.schema.kinds import Misfit
from audition.sweep.compose import Composer, settings_of
from audition.sweep.plan import checked, runnable


class Near:
    """Composes points of a space: what Hydra takes long for is done once a set of groups."""

    def __init__(self, compose: Composer) -> None:
        self._compose = compose
        self._known: dict[tuple[str, ...], DictConfig] = {}
        self._parser = OverridesParser.create()

    def __call__(self, start: Sequence[str], typed: Sequence[str]) -> Mapping[str, Any]:
        """The settings that `typed` makes of `start`, checked like those of any run."""
        # A value set in place is what Hydra would set last; all else may choose other files.
        values = [o for o in typed if re.match(r"\w+(\.\w+)+=", o)]
        whole = (*start, *(o for o in typed if o not in values))
        if whole not in self._known:
            self._known[whole] = self._compose.config(whole)
        config = deepcopy(self._known[whole])
        for override in self._parser.parse_overrides(values):
            key = override.get_key_element()
            if OmegaConf.select(config, key, default=self) is self:  # Hydra's own words for it
                return checked((*start, *typed), self._compose)
            OmegaConf.update(config, key, override.value(), merge=False)
        return runnable(settings_of(config))


def standing(compose: Composer, typed: Sequence[str]) -> Any:
    """Key -> what it is in the configuration that `typed` makes: a group's choice, or a setting."""
    config = compose.config(typed)
    chosen, settings = config.hydra.runtime.choices, settings_of(config)

    def look(key: str) -> Any:
        bare = key.lstrip("+")
        if bare in chosen:
            return chosen[bare]
        found: Any = settings
        for step in bare.split("."):
            if not isinstance(found, Mapping) or step not in found:
                return None
            found = found[step]
        return found

    return look


def takes_whole(settings: Mapping[str, Any], key: str, low: float, high: float) -> bool:
    """Whether the setting at `key` refuses numbers between those two that are not whole.

    A key that names nothing is left to the check of the composed config, which knows the choices.
    """
    path = key.lstrip("+").split(".")
    node: Any = settings
    for step in path[:-1]:
        node = node.get(step) if isinstance(node, Mapping) else None
    target = node.get("_target_") if isinstance(node, Mapping) else None
    section = GROUPS.get(".".join(path[:-1]))
    target = target or (section.of if section else "")
    known = signature(str(target)).settings.get(path[-1]) if target else None
    if known is None:
        return isinstance(low, int) and isinstance(high, int)
    between = low + 0.5 * min(1.0, high - low)
    if between == int(between):
        between += 0.25 * min(1.0, high - low)
    try:
        known.kind.fit(between)
    except Misfit:
        return True
    return False
