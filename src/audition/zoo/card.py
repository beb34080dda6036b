"""The card of a published model: what it is, what was measured of it, how to load and to repeat it."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from audition.answers.verdict import Verdict
from audition.execution import Float32
from audition.records.record import BASELINE
from audition.report.verdict_text import headline, lines
from audition.text import axis, count, direction, plain_level
from audition.zoo.published import Published


def card(run: Published, verdicts: Sequence[Verdict], *, own_code: bool) -> str:
    """The text of `README.md`, with the metadata that a hub reads at its head."""
    return "\n".join(_head(run) + _model(run) + _results(run, verdicts) + _use(run, own_code))


def _head(run: Published) -> list[str]:
    """The metadata, with each measure of the run as a result."""
    from huggingface_hub import EvalResult, ModelCardData

    data = _data_name(run)
    results = [
        EvalResult(
            task_type="text-generation",
            task_name=run.job.task.__class__.__name__,
            dataset_type=data,
            dataset_name=f"{data}, held out",
            metric_type=name,
            metric_name=axis(measure),
            metric_value=run.record.metrics[name],
        )
        for name, measure in run.record.measures.items()
        if name in run.record.metrics
    ]
    told: Any = ModelCardData(
        model_name=run.name,
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["audition"],
        eval_results=results,
    )
    return ["---", told.to_yaml().strip(), "---", "", f"# {run.name}", ""]


def _model(run: Published) -> list[str]:
    record, words = run.record, " ".join(run.typed)
    parts = ", ".join(
        f"{group} {run.settings[group]['_target_'].rpartition('.')[2]}"
        for group in ("attention", "positional", "norm", "feedforward", "skip")
        if group in run.settings
    )
    measured = [
        f"* {measure.label}: {plain_level(record.metrics[name], measure)} {measure.unit}".rstrip()
        + f" ({direction(measure)})"
        for name, measure in record.measures.items()
        if name in record.metrics
    ]
    return [
        f"A language model of {record.parameters:,} parameters, trained with Audition on "
        f"{record.units:,} {record.unit} of {_data_name(run)} in {record.steps:,} steps, seed "
        f"{record.seed}. Its parts: {parts}. It reads {run.model.context} tokens.",
        "",
        f"Measured on held-out text that it was not trained on{_precision(run)}:",
        "",
        *measured,
        "",
        "| | |",
        "|---|---|",
        f"| arm | `{record.arm}` |",
        f"| typed | `{words or '(nothing: the defaults)'}` |",
        f"| run | `{record.key}` |",
        f"| weights, digest | `{record.weights}` |",
        f"| code, digest | `{record.code}` |",
        f"| held-out rows, digest | `{record.evaluation}` |",
        "",
    ]


def _results(run: Published, verdicts: Sequence[Verdict]) -> list[str]:
    said = ["## Results", ""]
    if not verdicts:
        what = (
            "This is a run of the baseline, with which other arms are compared."
            if run.record.arm == BASELINE
            else "The ledger has no comparison of this arm with a baseline."
        )
        return [*said, f"{what} One run says nothing of another seed.", ""]
    for verdict in verdicts:
        judgement = verdict.judgement
        said += [
            f"**{judgement.comparison.verdict}**: {headline(judgement)}",
            "",
            f"Judged over {count(judgement.comparison.n, 'seed')}, of which this model is one.",
            "",
            *(f"* {name}: {text}" for name, text in lines(verdict)),
            "",
        ]
    return [*said, "All of it as data: `verdict.json`.", ""]


def _use(run: Published, own_code: bool) -> list[str]:
    trust = ", trust_remote_code=True" if own_code else ""
    code = (
        "The model's code is in this folder, and is that which trained it; it needs torch and "
        "transformers."
        if own_code
        else "The model is GPT-2 to the letter, so transformers needs no code of this folder."
    )
    return [
        "## Use",
        "",
        "```python",
        "from transformers import AutoModelForCausalLM, AutoTokenizer",
        "",
        f'model = AutoModelForCausalLM.from_pretrained("."{trust})',
        f'tokenizer = AutoTokenizer.from_pretrained("."{trust})',
        "```",
        "",
        code,
        "",
        "## To repeat it",
        "",
        "`repro.json` has the commit, the versions and the command. In its ledger, "
        f"`audition reproduce {run.record.arm}/{run.record.seed}` trains it again and compares every "
        "bit.",
        "",
        f"Written by Audition {version('audition')}.",
        "",
    ]


def _precision(run: Published) -> str:
    """With what products the measures were taken, where that is another than the folder's."""
    kind = str(run.settings["precision"]["_target_"]).rpartition(".")[2]
    same = kind == Float32.__name__
    return "" if same else f" (in {kind.lower()}; the folder is in float32, which rounds otherwise)"


def _data_name(run: Published) -> str:
    """The corpus, by the name of its file: `shakespeare`."""
    return str(run.settings["data"]["_target_"]).split(".")[-2]
