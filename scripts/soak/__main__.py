"""`python -m scripts.soak`: 200 runs under every disturbance we know, and what is left of them."""

import argparse
import secrets
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random

from audition.records.store import Ledger
from scripts.soak import checks
from scripts.soak.cluster import NoSlurm, box
from scripts.soak.disk import small_disk
from scripts.soak.plan import Stage, stages
from scripts.soak.processes import all_gone, end_all
from scripts.soak.stages import GivenUp, House, Soak
from scripts.soak.table import StageReport, lines

GOING_S = 30.0
"""Time that processes have to be gone once the last command has ended [s]."""


def soak(options: argparse.Namespace, folder: Path, said: list[StageReport]) -> Iterator[str]:
    """What is wrong after it, a sentence each; the stages' reports are added to `said`."""
    until = time.monotonic() + 60.0 * options.minutes
    house = House.built(folder, secrets.token_hex(8))
    with ExitStack() as held:
        disk = held.enter_context(small_disk(folder / "disk"))
        around = None if "slurm" in options.without else held.enter_context(box())
        plan = stages(
            options.runs,
            slurm=around is not None,
            local="local" not in options.without,
            pool="pool" not in options.without,
        )
        everything = Stage("all", (), tuple(seed for stage in plan for seed in stage.seeds))
        calm = Soak(house, Ledger(folder / "undisturbed"), Random(options.seed), until)
        wild = replace(
            calm,
            ledger=Ledger(folder / "disk"),
            disk=disk,
            said=said,
            box=around,
            gap_s=(1.0, 5.0) if options.runs > 100 else (0.3, 1.5),
        )
        held.callback(shutil.copytree, wild.ledger.root, folder / "ledger")
        held.callback(end_all, house.mark)
        say("undisturbed")
        for stage in plan:
            calm.run(replace(stage, name=f"undisturbed {stage.name}", words=(), deck={}))
        calm.run(replace(everything, name="undisturbed all"))
        for stage in plan:
            say(f"{stage.name}, {stage.runs} runs")
            if disk is None:
                stage = replace(
                    stage, deck={k: v for k, v in stage.deck.items() if "disk" not in k}
                )
            wild.run(stage)
        wild.run(everything)
        told = (folder / "all.1.log").read_text(encoding="utf-8")
        if f"{everything.runs} in the ledger, 0 to train" not in told:
            yield "the sweep over all of them found something to train"
        if not all_gone(house.mark, GOING_S):
            yield f"processes were still there {GOING_S:.0f} s after the last command"
        yield from checks.whole(calm.ledger)
        yield from checks.whole(wild.ledger)
        yield from checks.alike(wild.ledger, calm.ledger)
        yield from checks.same_answer(house.verdict(wild.ledger), house.verdict(calm.ledger))
        if remains := checks.left_over(wild.ledger):
            say(f"left behind by the dead, in nobody's way: {dict(remains)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The soak and its table; 0 where nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m scripts.soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=20.0, help="after which it has failed")
    parser.add_argument("--seed", type=int, default=0, help="of the disturbances")
    parser.add_argument("--without", nargs="*", default=[], choices=("pool", "slurm", "local"))
    parser.add_argument("--keep", action="store_true", help="both ledgers and what was said")
    options = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="audition-soak-"))
    # So that a soak that is stopped takes its daemons and its disk along.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    begun, said = time.monotonic(), list[StageReport]()
    say(f"disturbances drawn from seed {options.seed}")
    try:
        wrong = list(soak(options, folder, said))
    except (GivenUp, NoSlurm) as error:
        wrong = [str(error)]
    print(*lines(said), "", sep="\n")
    took = f"{time.monotonic() - begun:.0f} s in all, the undisturbed ledger included"
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    if wrong or options.keep:
        say(f"both ledgers and what the commands said are in {folder}")
    else:
        shutil.rmtree(folder)
    if wrong:
        print(f"{took}.")
        return 1
    print(
        f"{took}. Every run exists once, to its last step, with the numbers, the weights and the "
        "verdicts of the undisturbed ledger."
    )
    return 0


def say(text: str) -> None:
    """How far it is."""
    print(f"soak: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
