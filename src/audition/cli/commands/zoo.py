"""`audition zoo`: a trained run as a folder that transformers loads, with its card and its verdict."""

from argparse import Namespace
from pathlib import Path

from audition.cli.command import ALLOW, JSON, LEDGER, command, emit, option
from audition.cli.opening import find_own_code, open_ledger


@command(
    "a trained run as a Hugging Face folder, with its card and verdict",
    option(
        "run", metavar="RUN", help="a trained run: ARM/SEED, the beginning of its key, its folder"
    ),
    option("--to", required=True, type=Path, metavar="DIR", help="the folder, which is made"),
    option("--push", metavar="NAME", help="upload it to the Hugging Face hub as OWNER/NAME"),
    *(ALLOW, LEDGER, JSON),
)
def zoo(options: Namespace) -> None:
    """`audition zoo`"""
    from audition.answers import judge_arms
    from audition.answers.verdict import verdicts
    from audition.records.registration import registrations
    from audition.zoo.folder import check_free, push, write_folder
    from audition.zoo.published import published, trained_run

    find_own_code(options.allow)
    ledger, contents = open_ledger(options)
    check_free(options.to)
    record = trained_run(ledger, contents, options.run)
    plans = registrations(ledger.root)
    judged = judge_arms(contents.records, plans=plans)
    own = [each for each in judged if each.arm.config_hash == record.config_hash]
    run = published(ledger, record, ("audition.", *options.allow))
    written = write_folder(run, verdicts(ledger, own), options.to)
    address = None if options.push is None else push(options.to, options.push)
    facts = {
        "folder": str(written.path),
        "architecture": written.architecture,
        "files": written.files,
        "difference": written.difference,
        "pushed": address,
    }
    said = (
        f"{written.path}: {run.name} as {written.architecture}, {len(written.files)} files; read back, "
        "its logits are the run's to the bit"
    )
    emit(options, facts, lambda: print(said if address is None else f"{said}; {address}"))
