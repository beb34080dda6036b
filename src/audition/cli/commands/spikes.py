"""`audition spikes`: how large the loss spike after an event of apoptosis is, by arm."""

from argparse import Namespace
from pathlib import Path

from audition.cli.command import JSON, LEDGER, command, emit, option
from audition.cli.opening import open_ledger
from audition.errors import AuditionError, choices


@command(
    "how far an event of apoptosis throws the loss back, and for how long, by arm",
    option("arms", nargs="*", metavar="ARM", help="arms; all that had events"),
    option("--out", type=Path, metavar="FILE", help="write a figure: .png or .svg"),
    *(LEDGER, JSON),
)
def spikes(options: Namespace) -> None:
    """`audition spikes`"""
    from audition.answers import arms_of
    from audition.answers.spikes import arm_spikes
    from audition.console import say
    from audition.records.codec import finite
    from audition.report.figures import loss_spikes
    from audition.report.spikes import show_spikes
    from audition.report.style import write_figure

    ledger, contents = open_ledger(options)
    arms = [
        a for a in arms_of(contents.records).values() if a.name in options.arms or not options.arms
    ]
    for name in {*options.arms} - {arm.name for arm in arms}:
        known = {arm.name for arm in arms_of(contents.records).values()}
        raise AuditionError(f"no arm is called '{name}'{choices(name, known)}")
    found = arm_spikes(ledger, arms)
    if not found:
        raise AuditionError(
            "no run here has had an event of apoptosis at which its loss was seen: such runs are "
            "made by apoptosis=mutation, for example, and by +sweeps=apoptosis"
        )
    if options.out is not None:
        write_figure(loss_spikes(found), options.out)
        say(f"drawn in {options.out}")
    emit(options, [finite(each.to_dict()) for each in found], lambda: show_spikes(found))
