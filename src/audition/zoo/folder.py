"""The folder of a published model: written, read back by transformers, and compared."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audition.answers.provenance import mapping_in
from audition.answers.verdict import Verdict, as_data
from audition.errors import AuditionError, writing
from audition.plain_file import write_whole
from audition.recipe.batches import Clock
from audition.stats.comparison import json_ready
from audition.zoo.card import card
from audition.zoo.gpt2 import gpt2_config, gpt2_weights, is_gpt2
from audition.zoo.own import architecture, own_code, own_config, own_weights
from audition.zoo.published import Published, without_folders
from audition.zoo.tokenizer import write_tokenizer

NEEDED = "a folder for transformers needs that package: pip install 'audition[zoo]'"
PRIVATE = ("host", "pid", "cwd", "user")
"""Facts of a machine that are of no use to a reader."""


@dataclass(frozen=True)
class Folder:
    """A folder that was written, and how far its logits are from the run's."""

    path: Path
    architecture: str
    files: tuple[str, ...]
    difference: float


def write_folder(run: Published, verdicts: Sequence[Verdict], folder: Path) -> Folder:
    """Write `run` into `folder`, which is made; the files that it had of a folder before are replaced.

    Raises AuditionError without transformers, where the model cannot be made again from a folder,
    for a folder with other things in it, and where what is read back has other logits.
    """
    try:
        import transformers
    except ImportError:
        raise AuditionError(NEEDED) from None
    check_free(folder)
    model: Any = run.model
    ours = not is_gpt2(model)
    texts: dict[str, str] = {}
    if ours:
        node = architecture(run.job.recipe.model)
        plain, weights = own_config(node, model, run.kept.widths), own_weights(model)
        texts, name, kind = own_code(node), "AuditionForCausalLM", "audition"
        config: Any = transformers.PretrainedConfig(**plain)
    else:
        weights, name, kind = gpt2_weights(model), "GPT2LMHeadModel", "gpt2"
        config = transformers.GPT2Config(**gpt2_config(model))
    config.architectures, config.dtype = [name], "float32"
    told = {**json.loads(config.to_json_string(use_diff=True)), "model_type": kind}
    generation = {"do_sample": True, "max_length": model.context, "use_cache": not ours}
    files = {
        **texts,
        "config.json": _json(told),
        "generation_config.json": _json(generation),
        "README.md": card(run, verdicts, own_code=ours),
        "verdict.json": _json(as_data(verdicts)),
        "repro.json": _json(repro(run)),
    }
    with writing(f"in {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        for left in {path.name for path in folder.glob("*.py")} - texts.keys():
            (folder / left).unlink()  # of another model that was here
        for file, text in files.items():
            write_whole(folder / file, text)
        write_whole(folder / "model.safetensors", _safetensors(weights))
        write_tokenizer(run.batches.tokenizer, folder, model.context)
    difference = read_back(run, folder, own_code=ours)
    if difference != 0:  # no number is a difference too
        raise AuditionError(
            f"transformers computes logits from {folder} that differ by {difference:.3g} from the "
            "run's: do not publish it"
        )
    return Folder(folder, name, tuple(sorted(path.name for path in folder.iterdir())), difference)


def check_free(folder: Path) -> None:
    """Raise AuditionError where `folder` is no folder, or holds what is no model of ours."""
    if folder.exists() and not folder.is_dir():
        raise AuditionError(f"{folder} is no folder: choose another for --to")
    ours = all((folder / name).is_file() for name in ("config.json", "verdict.json", "repro.json"))
    if folder.is_dir() and any(folder.iterdir()) and not ours:
        raise AuditionError(f"{folder} holds other things: choose an empty folder for --to")


def read_back(run: Published, folder: Path, *, own_code: bool) -> float:
    """The largest difference in logits between the run's model and the one in `folder`."""
    from transformers import AutoModelForCausalLM
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    kind: Any = AutoModelForCausalLM
    loaded = kind.from_pretrained(folder, trust_remote_code=own_code, local_files_only=True).eval()
    inputs = run.batches.train(Clock(0)).inputs[:2]
    with torch.inference_mode():
        ours, theirs = run.model(inputs), loaded(inputs).logits
    return float((ours - theirs).abs().max())


def repro(run: Published) -> Mapping[str, Any]:
    """What `repro.json` of the run says, without what only its machine needs; and the digests."""
    found = mapping_in(run.ledger.folder_of(run.record) / "repro.json")
    command = [str(word) for word in found.get("command") or ()]
    told = {name: value for name, value in found.items() if name not in PRIVATE}
    if command:
        told["command"] = [Path(command[0]).name, *without_folders(command[1:])]
    record = run.record
    digests = {"key": record.key, "weights": record.weights, "code": record.code}
    same = {"evaluation": record.evaluation, "seed": record.seed, "overrides": run.typed}
    return {**told, "run": {**digests, **same, "arithmetic": dict(record.arithmetic)}}


def _safetensors(weights: Mapping[str, Tensor]) -> bytes:
    from safetensors.torch import save

    return save(dict(weights), {"format": "pt"})


def _json(value: object) -> str:
    return json.dumps(value, indent=1, default=json_ready, allow_nan=False) + "\n"


def push(folder: Path, name: str) -> str:
    """Upload `folder` to the hub as `name`; returns its address there.

    Raises AuditionError where the hub cannot be reached or refuses.
    """
    from huggingface_hub import HfApi

    api: Any = HfApi()
    try:
        api.create_repo(name, exist_ok=True)
        api.upload_folder(repo_id=name, folder_path=folder)
    except Exception as error:  # of any of the libraries between here and there
        said = " ".join(str(error).split()).partition(". ")[0][:200] or type(error).__name__
        raise AuditionError(
            f"{folder} is whole and was not pushed ({said}): with a network, and once you are logged "
            f"in there, `hf upload {name} {folder}` does it"
        ) from None
    return f"{api.endpoint}/{name}"
