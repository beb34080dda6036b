"""Models that transformers does not have: their parts as a configuration, and the code beside it."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import partial
from importlib.resources import files
from typing import Any

from torch import Tensor, nn

from audition.errors import AuditionError
from audition.zoo.sources import file_of, shipped

MODELING, CONFIGURATION = "modeling_audition", "configuration_audition"
CLASS = "AuditionForCausalLM"


def node_of(value: object) -> Any:
    """A part as the node of a config that makes it: `_target_` and its settings.

    Raises AuditionError for a part that is no frozen value of its settings.
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return [node_of(each) for each in value]
    if isinstance(value, Mapping):
        return {str(name): node_of(each) for name, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        own = {each.name: node_of(getattr(value, each.name)) for each in fields(value) if each.init}
        return {"_target_": f"{type(value).__module__}.{type(value).__qualname__}", **own}
    raise AuditionError(
        f"the model has a part that no settings describe ({type(value).__name__}): it cannot be "
        "made again from a folder"
    )


def architecture(constructs: "partial[Any]") -> dict[str, Any]:
    """The node of a model's constructor with its parts filled in.

    Raises AuditionError where an idea changes the model by code of its own.
    """
    made = constructs.func
    if not isinstance(made, type) or constructs.args:
        raise AuditionError(
            "an idea of this run changes the model once it is made, which a folder of parts cannot "
            "repeat: publish an arm without it"
        )
    parts = {name: node_of(part) for name, part in constructs.keywords.items()}
    return {"_target_": f"{made.__module__}.{made.__qualname__}", **parts}


def targets_in(node: object) -> Iterator[str]:
    """Every `_target_` within a node."""
    if isinstance(node, Mapping):
        if "_target_" in node:
            yield node["_target_"]
        for each in node.values():
            yield from targets_in(each)
    elif isinstance(node, list):
        for each in node:
            yield from targets_in(each)


def own_config(
    node: Mapping[str, Any], model: nn.Module, widths: Mapping[str, int]
) -> dict[str, Any]:
    """What `AuditionConfig` is made of: the parts, their sizes, and hidden units that changed."""
    whole: Any = model
    rows, width = whole.embedding.weight.shape
    return {
        "parts": dict(node),
        "widths": dict(widths),
        "vocab_size": rows,
        "max_position_embeddings": whole.context,
        "hidden_size": width,
        "num_hidden_layers": len(whole.blocks),
        "num_attention_heads": node.get("heads", 1),
        "tie_word_embeddings": len(own_weights(model)) < len(model.state_dict()),
        "bos_token_id": None,
        "eos_token_id": None,
        "use_cache": False,
        "auto_map": {
            "AutoConfig": f"{CONFIGURATION}.AuditionConfig",
            "AutoModelForCausalLM": f"{MODELING}.{CLASS}",
        },
    }


def own_weights(model: nn.Module) -> dict[str, Tensor]:
    """Parameters and kept buffers under transformers' names; one that has two names is there once."""
    seen: set[int] = set()
    found: dict[str, Tensor] = {}
    for name, tensor in model.state_dict(keep_vars=True).items():
        if id(tensor) not in seen:
            found[f"model.{name}"] = tensor.detach().contiguous().clone()
        seen.add(id(tensor))
    return found


def own_code(node: Mapping[str, Any]) -> dict[str, str]:
    """File name -> text: the model for transformers, its configuration, and what it is made of."""
    targets = sorted(set(targets_in(node)))
    imports = [
        f"from .{file_of(t.rpartition('.')[0])} import {t.rpartition('.')[2]}" for t in targets
    ]
    table = [f'    "{target}": {target.rpartition(".")[2]},' for target in targets]
    if len({target.rpartition(".")[2] for target in targets}) < len(targets):
        raise AuditionError("two parts of this model have one class name: rename one of them")
    templates = files("audition.zoo").joinpath("templates")
    texts = {
        f"{name}.py": templates.joinpath(f"{name}.txt").read_text(encoding="utf-8")
        for name in (MODELING, CONFIGURATION)
    }
    modeling = texts[f"{MODELING}.py"].replace("IMPORTS", "\n".join(imports))
    texts[f"{MODELING}.py"] = modeling.replace("TABLE", "\n".join(table))
    return {**texts, **shipped([*targets, "audition.recipe.batches.Shape"])}
