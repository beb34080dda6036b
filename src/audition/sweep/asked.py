"""What a command line asks, alone or laid over a campaign's file."""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser

from audition.config.mixing import opened
from audition.sweep.arms import Question, read_arms, with_arms


def asked(
    parser: OverridesParser,
    arguments: Sequence[str],
    params: Mapping[str, Any],
    arms: Sequence[str],
) -> Question:
    """The question of `arguments` and a campaign.

    params: the overrides of the campaign's yaml, which the command line may replace key by key.
    arms: the campaign's further arms, each a line of overrides.
    """
    typed = parser.parse_overrides(list(arguments))
    taken = {override.get_key_element().lstrip("+~") for override in typed}
    campaign = [f"{k}={v}" for k, v in params.items() if k.lstrip("+~") not in taken]
    return with_arms(read_arms([*parser.parse_overrides(opened(campaign)), *typed]), arms)
