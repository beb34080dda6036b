"""What each member of `conf/` costs: parameters of models and their parts, state of optimizers."""

from collections.abc import Iterable, Mapping

import torch
from hydra import initialize_config_dir
from omegaconf.errors import OmegaConfBaseException

from audition.config.groups import GROUPS
from audition.config.members import Member, members
from audition.config.root import check, conf_dir
from audition.errors import AuditionError
from audition.recipe.recipe import Recipe
from audition.recipe.streams import Streams
from audition.sweep.compose import Composer
from audition.training.build import build

TOLD = {"arithmetic": "flops", "memory": "bytes"}
"""What a card's cost has -> its entry there."""
PARTS = frozenset(group.choices for group in GROUPS.values() if group.of_model)


def costs(cache_dir: str, among: Iterable[Member] = ()) -> Mapping[str, str]:
    """What chooses a member -> what it costs, for each member of which something can be counted.

    cache_dir: where the tokens of the corpora are kept.
    among: the members, by default all.
    """
    found = {}
    for member in among or members():
        if said := _cost(member, cache_dir):
            found[member.chosen] = said
    return found


def _cost(member: Member, cache_dir: str) -> str:
    if member.group == "model":
        try:
            return f"{_parameters(_model(member, cache_dir)):,} parameters."
        except AuditionError:  # too small for it
            larger = _recipe(["experiment=digits", "data=mnist_5k", member.chosen], cache_dir)
            return f"{_parameters(larger):,} parameters."
    if member.group in PARTS:
        said = (_beside_the_default(member, cache_dir), _pairs(member, cache_dir))
        return " ".join(filter(None, said))
    if member.group == "optimizer":
        return _state(_recipe(["model=tiny", member.chosen], cache_dir))
    if member.group == "idea":
        return of_card(member.plain["cards"][member.name].get("cost") or {})
    return ""


def of_card(cost: Mapping[str, object]) -> str:
    """What an idea's card says that it costs; nothing where it is a draft that does not say yet."""
    said = [f"{word}: {cost[key]}" for word, key in TOLD.items() if cost.get(key)]
    return f"{'; '.join(said)} (from its card)." if said else ""


def _model(member: Member, cache_dir: str) -> Recipe:
    """With the data that it reads: text, or else pictures."""
    try:
        return _recipe([member.chosen], cache_dir)
    except OmegaConfBaseException:  # text asks the model for its context
        return _recipe(["experiment=digits", member.chosen], cache_dir)


def _recipe(overrides: Iterable[str], cache_dir: str) -> Recipe:
    given = [f"paths.cache_dir={cache_dir}", "execution.device=cpu", "precision=fp32", *overrides]
    with initialize_config_dir(version_base="1.3", config_dir=str(conf_dir())):
        return build(check(Composer("audition")(given))).recipe


def _parameters(recipe: Recipe) -> int:
    shape = recipe.data(Streams(0)).shape
    with torch.device("meta"):
        return sum(p.numel() for p in recipe.model(shape).parameters())


def _beside_the_default(member: Member, cache_dir: str) -> str:
    """Of a part of the default model; nothing for one that this model cannot do without."""
    try:
        own = _parameters(_recipe([member.chosen], cache_dir))
    except AuditionError:
        return ""
    more = own - _parameters(_recipe([], cache_dir))
    if not more:
        return "" if member.is_default else "as many parameters as the default."
    return f"{abs(more):,} parameters {'more' if more > 0 else 'fewer'} than the default."


def _pairs(member: Member, cache_dir: str) -> str:
    """Of an attention in the default model; nothing for one that does not say."""
    if member.group != "attention":
        return ""
    try:
        parts = _recipe([member.chosen], cache_dir).model.keywords
    except AuditionError:
        return ""
    if not hasattr(parts["attention"], "pairs"):
        return ""
    tokens = parts["context"]
    pairs = parts["attention"].pairs(tokens)
    return (
        f"Pairs of a query and a key, a head and window of {tokens} tokens: {pairs.allowed:,} allowed, "
        f"{pairs.executed:,} computed on a CPU."
    )


def _state(recipe: Recipe) -> str:
    """Of an optimizer, after one step of a small model."""
    parameters = dict(recipe.model(recipe.data(Streams(0)).shape).named_parameters())
    optimizer = recipe.optimizer(parameters)
    for parameter in parameters.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    kept = [
        value.numel()
        for state in optimizer.state.values()
        for value in state.values()
        if isinstance(value, torch.Tensor) and value.ndim
    ]
    weights = sum(parameter.numel() for parameter in parameters.values())
    return f"{sum(kept) / weights:.1f} values of state a weight, in `model=tiny`."
