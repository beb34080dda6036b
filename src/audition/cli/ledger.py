"""The reading door, `audition`: runs, verdicts and cards from the ledger, without torch."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from audition.errors import AuditionError
from audition.ledger import Ledger


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one `audition` command; a mistake ends in one sentence and exit code 2."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["train"]:
        # Hydra reads sys.argv itself, and takes everything after the word for overrides.
        sys.argv = [f"{sys.argv[0]} train", *words[1:]]
        from audition.cli.train import main as train

        return train()
    options = parser().parse_args(words)
    try:
        options.command(options)
    except AuditionError as error:
        print(f"audition: {error}", file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.stderr.close()  # `audition runs | head` is no error
    return None


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    top = argparse.ArgumentParser(prog="audition", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--output-dir", default="outputs", type=Path, help="root of the ledger")
    common.add_argument("--json", action="store_true", help="as data")

    runs = commands.add_parser("runs", parents=[common], help="every run in the ledger")
    runs.set_defaults(command=show_runs)

    verdict = commands.add_parser("verdict", parents=[common], help="what the runs support")
    verdict.add_argument("ideas", nargs="*", metavar="IDEA", help="arms; all of them by default")
    verdict.add_argument("--sesoi", type=float, help="smallest gain that counts [nats/token]")
    verdict.add_argument("--alpha", type=float, default=0.05, help="one-sided error (0.05)")
    verdict.set_defaults(command=show_verdict)

    card = commands.add_parser("card", help="an idea's card")
    card.add_argument("idea", metavar="IDEA")
    card.set_defaults(command=show_card)

    commands.add_parser("train", help="the same as python -m src.train", add_help=False)
    return top


def show_runs(options: argparse.Namespace) -> None:
    """`audition runs`"""
    from audition.report import terminal

    contents = Ledger(options.output_dir).read()
    terminal.show_problems(contents)
    if options.json:
        print(json.dumps([asdict(record) for record in contents.records], indent=1))
    else:
        terminal.show_runs(contents.records)


def show_verdict(options: argparse.Namespace) -> None:
    """`audition verdict`"""
    from audition.judge import judge_arms
    from audition.report import terminal

    contents = Ledger(options.output_dir).read()
    terminal.show_problems(contents)
    try:
        judgements = judge_arms(
            contents.records, options.ideas, sesoi=options.sesoi, alpha=options.alpha
        )
    except ValueError as error:
        raise AuditionError(str(error)) from None
    if options.json:
        print(json.dumps([judgement.to_dict() for judgement in judgements], indent=1))
    else:
        terminal.show_judgements(judgements)


def show_card(options: argparse.Namespace) -> None:
    """`audition card`"""
    import yaml

    from audition.card import check_card
    from audition.config import conf_dir
    from audition.errors import choices

    known = {path.stem: path for path in (conf_dir() / "idea").glob("*.yaml")}
    if options.idea not in known:
        raise AuditionError(f"unknown idea '{options.idea}'{choices(options.idea, known)}")
    plain = yaml.safe_load(known[options.idea].read_text())
    print(check_card(options.idea, plain.get("cards", {}).get(options.idea)).markdown())
