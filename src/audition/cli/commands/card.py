"""`audition card`: what ideas claim, what their cards lack, and whether one is worth a run."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audition.cli.command import COUNT, JSON, command, emit, option
from audition.config.card import Card, check_card
from audition.config.members import Member, members
from audition.errors import AuditionError, choices


@command(
    "an idea's card; its lint, and its kill criterion on the baseline",
    option(
        "idea",
        nargs="*",
        metavar="IDEA",
        help="by its name; several are printed, or linted, as a batch",
    ),
    option("overrides", nargs="*", metavar="OVERRIDE", help="of the run, for --kill: model=tiny"),
    option(
        "--lint",
        action="store_true",
        help="what the cards lack for a claim, and what they lack as a batch; all of them by default",
    ),
    option(
        "--kill",
        action="store_true",
        help="train the baseline for some steps, and say whether the idea is worth a run",
    ),
    option(
        "--steps", type=COUNT, default=200, metavar="N", help="of the baseline, for --kill (200)"
    ),
    option("--config-dir", type=Path, metavar="DIR", help="a conf/ of your own, as in training"),
    JSON,
)
def card(options: Namespace) -> None:
    """`audition card`"""
    known = _known(options.config_dir)
    words = (*options.idea, *options.overrides)  # argparse gives all to the first
    names = [word for word in words if "=" not in word]
    overrides = [word for word in words if "=" in word]
    if options.lint and not words:
        names = list(known)
    for name in names:
        if name not in known:
            raise AuditionError(f"unknown idea '{name}'{choices(name, known)}")
    if not names:
        raise AuditionError(f"audition card needs the name of an idea{choices('', known)}")
    if options.kill:
        if len(names) > 1 or options.lint:
            raise AuditionError("--kill is asked of one idea at a time, and without --lint")
        return _kill(options, known[names[0]], overrides)
    if overrides:
        raise AuditionError(f"{overrides[0]} goes with --kill, which trains the baseline")
    if options.lint:
        return _lint(options, [known[name] for name in names])
    cards = {name: _card(known[name]) for name in names}
    facts = [vars(each) for each in cards.values()]
    return emit(options, facts if len(facts) > 1 else facts[0], lambda: print(_text(cards)))


def _known(folder: Path | None) -> Mapping[str, Member]:
    """Name -> idea, of the house and of a `conf/` of the user's own."""
    own: Sequence[Path] = ()
    if folder is not None:
        if not folder.is_dir():
            raise AuditionError(f"--config-dir {folder} is not a folder")
        own = sorted((folder / "idea").glob("*.yaml"))
    ours = {member.name: member for member in members("idea")}
    return ours | {path.stem: Member("idea", path.stem, path) for path in own}


def _card(member: Member) -> Card:
    return check_card(member.name, member.plain.get("cards", {}).get(member.name))


def _node(member: Member) -> Mapping[str, Any]:
    node = (member.plain.get("ideas") or {}).get(member.name)
    if not isinstance(node, Mapping) or "_target_" not in node:
        raise AuditionError(f"{member.path} has no ideas.{member.name} with a _target_")
    return node


def _text(cards: Mapping[str, Card]) -> str:
    if len(cards) == 1:
        return next(iter(cards.values())).markdown()
    return "\n".join(each.markdown(number) for number, each in enumerate(cards.values(), 1))


def _lint(options: Namespace, ideas: Sequence[Member]) -> None:
    from audition.config.lint import lint, lint_batch

    cards: list[Card] = []
    lacks: list[str] = []
    for idea in ideas:
        try:
            cards.append(_card(idea))
            lacks += lint(cards[-1], _node(idea))
        except AuditionError as error:
            lacks.append(str(error))
    lacks += lint_batch(cards)
    names = [idea.name for idea in ideas]
    whole = f"{', '.join(names)}: nothing is missing"
    emit(
        options,
        {"ideas": names, "lacks": lacks},
        lambda: print("\n".join(lacks) if lacks else whole),
    )
    if lacks:
        raise SystemExit(1)


def _kill(options: Namespace, idea: Member, overrides: Sequence[str]) -> None:
    from hydra import initialize_config_dir

    from audition.cli.sentences import one_sentence
    from audition.cli.typed import quoted
    from audition.config.root import conf_dir
    from audition.sweep.check import check_machine, runnable
    from audition.sweep.compose import Composer
    from audition.training.kill import kill_test

    own = options.config_dir
    path = (f"hydra.searchpath=['file://{own.resolve()}']",) if own else ()
    with one_sentence():
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            words = [f"+idea={idea.name}", *idea.needs, *map(quoted, overrides)]
            settings = runnable(Composer("audition", path)(words))
        check_machine(settings)
        found = kill_test(settings, idea.name, options.steps)
    worth = "not worth a run" if found.kill else "worth a run"
    facts = {
        "idea": idea.name,
        "kill": found.kill,
        "sentence": found.sentence,
        "seed": settings["seed"],
    }
    emit(options, facts, lambda: print(f"{idea.name} is {worth}: {found.sentence}."))
