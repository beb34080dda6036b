"""The page holds all it shows, escapes what it is given, and its twin has the same numbers."""

import json
import math
import re
import shlex
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from audition.answers import judge_arms
from audition.answers.commands import commands
from audition.answers.next_step import next_step
from audition.answers.race_stages import race_stages
from audition.cli.ledger import carry_out
from audition.config.root import conf_dir
from audition.errors import AuditionError
from audition.records.races import RACES, Race, Turn
from audition.records.record import Record
from audition.records.store import Ledger
from audition.report import page as page_module
from audition.report.gallery import Picture
from audition.report.page import Written, fenced, plain, write_report
from audition.report.verdict_text import headline

Make = Callable[..., Ledger]
NAMES = ("forest", "slopes", "learning", "detectable", "noise", "residuals")
HOSTILE = "<img src=x onerror=alert(1)>|`$x$`[y](javascript:1)&\"'"
CAMPAIGN = {
    "baseline": {42: 1.500, 137: 1.511, 256: 1.494},
    "better": {42: 1.470, 137: 1.478, 256: 1.466},
    HOSTILE: {42: 1.502, 137: 1.506, 256: 1.497},
    "wild": {42: 1.49, 137: math.nan, 256: 1.50},
}


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture
def ledger(ledger_of: Make) -> Ledger:
    return ledger_of(CAMPAIGN)


@pytest.fixture(scope="module")
def written(ledger_at: Make, tmp_path_factory: pytest.TempPathFactory) -> Written:
    """One report for every test that only looks at it."""
    root = tmp_path_factory.mktemp("report")
    return write_report(ledger_at(root / "outputs", CAMPAIGN), root / "report")


@pytest.fixture
def page(written: Written) -> str:
    return written.page.read_text()


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be drawn, for tests that need no picture of it."""
    asked: list[str] = []

    def draw(
        folder: Path, judgements: object, curves: object, race: object, *_: object, **__: object
    ) -> tuple[Picture, ...]:
        asked.append("race" if race else "no race")
        return ()

    monkeypatch.setattr(page_module, "draw", draw)
    return asked


@pytest.fixture
def markdown(written: Written) -> str:
    return written.markdown.read_text()


def test_everything_is_on_the_page(page: str) -> None:
    found = Tags(page)
    assert sum(tag == "svg" for tag, _ in found.tags) == len(NAMES)
    for tag, attributes in found.tags:
        assert tag not in {"script", "link", "img", "iframe", "object", "image"}
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    assert "http" not in page
    assert "@import" not in page
    assert all(target.startswith("#") for target in re.findall(r"url\(([^)]*)", page))


def test_the_first_runs_of_a_large_arm_have_a_row_and_the_others_a_sentence(
    ledger_of: Make, tmp_path: Path, drawn: list[str]
) -> None:
    losses = {"baseline": 1.5, "better": 1.4}
    arms = {
        arm: {seed: loss + seed % 7 / 100 for seed in range(45)} for arm, loss in losses.items()
    }
    ledger = ledger_of(arms)
    written = write_report(ledger, tmp_path / "report")
    markdown = written.markdown.read_text()
    for arm in arms:
        assert len(re.findall(rf"^\| {arm} \| \d+ \|", markdown, re.MULTILINE)) == 40, arm
    listing = f"audition runs --output-dir {ledger.root}"
    said = f"The first 40 of up to 45 runs of each arm; all of them: {listing}"
    assert said in "".join(Tags(written.page.read_text()).text)
    assert plain(said) in markdown


def test_ids_of_figures_do_not_meet(page: str) -> None:
    ids = [attributes["id"] for _, attributes in Tags(page).tags if "id" in attributes]
    assert len(set(ids)) == len(ids)
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', page))
    assert used
    assert used <= set(ids)


def test_figures_follow_the_page_into_the_dark(page: str) -> None:
    drawn = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    for svg in drawn:
        assert "var(--ink)" in svg
        assert "#1a1a19" not in svg
    assert page.count("prefers-color-scheme: dark") == 1


def test_a_hostile_name_is_text(page: str, markdown: str) -> None:
    assert "<img" not in page
    assert HOSTILE in "".join(Tags(page).text)
    outside = re.sub(r"(`{3,})sh\n.*?\n\1", "", markdown, flags=re.DOTALL)
    assert "<img" not in outside
    assert not re.search(r"(?<!\\)\]\(javascript", outside)
    for row in re.findall(r"^\| &lt;img.*$", markdown, flags=re.MULTILINE):
        assert len(re.findall(r"(?<!\\)\|", row)) in {8, 9, 10}


def test_the_twin_has_the_same_numbers(page: str, markdown: str) -> None:
    said = " ".join(" ".join(Tags(page).text).split())

    def numbers(text: str) -> set[str]:
        return set(re.findall(r"[+−]\d+\.\d{4}", text))

    drawn = re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    assert numbers(markdown) == numbers(drawn)
    assert len(numbers(markdown)) >= 18
    for verdict in ("supported", "unstable", "inconclusive"):
        assert verdict in said
        assert verdict in markdown
    for name in NAMES:
        assert f"({name}.png)" in markdown


def test_every_judgement_is_there_as_it_was_made(ledger: Ledger, page: str) -> None:
    said = " ".join("".join(Tags(page).text).split())
    for judgement in judge_arms(ledger.read().records):
        assert " ".join(headline(judgement).split()) in said
        assert " ".join(next_step(judgement, ledger.root).text.split()) in said
    assert "3 ideas: 1 supported, 1 refuted, 1 inconclusive." in said


def test_figures_are_files_too(written: Written) -> None:
    folder = written.page.parent
    for name in NAMES:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert "<svg" in (folder / f"{name}.svg").read_text()


def test_the_same_ledger_makes_the_same_figures(
    written: Written, ledger: Ledger, tmp_path: Path
) -> None:
    again = write_report(ledger, tmp_path / "again")
    for one, other in zip(written.figures, again.figures, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


@pytest.mark.usefixtures("drawn")
def test_runs_tell_where_they_came_from_and_what_was_claimed(
    ledger_of: Make, tmp_path: Path
) -> None:
    ledger = ledger_of({"baseline": {1: 1.5, 2: 1.6}, "placebo": {1: 1.4, 2: 1.45}})
    card = yaml.safe_load((conf_dir() / "idea/placebo.yaml").read_text())["cards"]
    for record in ledger.read().records:
        folder = ledger.folder_of(record)
        (folder / "config.yaml").write_text(yaml.safe_dump({"cards": card}))
        repro = {
            "git": {"sha": "c0ffee", "diff": "one\ntwo"},
            "versions": {"torch": "9.9"},
            "hardware": {"processor": "Abacus", "cores": 3},
            "command": ["/somewhere/train.py", "+idea=placebo", "-m"],
        }
        (folder / "repro.json").write_text(json.dumps(repro))
    written = write_report(ledger, tmp_path / "report")
    for text in (written.page.read_text(), written.markdown.read_text()):
        for fact in ("c0ffee", "torch 9.9", "Abacus", "2 lines of diff", "train.py +idea=placebo"):
            assert fact in text
        assert "4 runs" in text
        assert "/somewhere" not in text
        assert card["placebo"]["pitch"] in text


def test_two_baselines_are_two_campaigns(ledger_of: Make, tmp_path: Path) -> None:
    ledger = ledger_of({"baseline": {1: 1.5, 2: 1.6}, "idea": {1: 1.4, 2: 1.45}})
    for record in ledger.read().records:
        plain_record = json.loads(record.to_json())
        own = {"key": f"x{record.key}", "arm": f"{record.arm}2"}
        for name in ("config_hash", "baseline_hash"):
            own[name] = f"f{plain_record[name][1:]}"
        ledger.write(Record.from_json(json.dumps({**plain_record, **own})))
    written = write_report(ledger, tmp_path / "report")
    assert written.page.read_text().count("<h2>Against baseline") == 2
    assert {"forest.png", "forest-2.png"} <= {path.name for path in written.figures}


def test_a_race_is_drawn_from_what_it_left(
    ledger_of: Make, tmp_path: Path, drawn: list[str]
) -> None:
    seeds = {42: 1.5, 137: 1.51, 256: 1.49, 7: 1.5, 8: 1.52}
    idea = {seed: loss - 0.03 for seed, loss in seeds.items()}
    ledger = ledger_of({"baseline": seeds, "kept": idea, "gone": {42: 1.6}})
    kept, gone, screened = f"{1:016x}", f"{2:016x}", (42, 137, 256)
    turns = (
        Turn("kept", kept, 1, (42,), 0.03, 0.0, "run", ""),
        Turn("gone", gone, 1, (42,), -0.1, 0.0, "drop", ""),
        Turn("kept", kept, 2, screened, 0.03, 0.0, "promote", ""),
    )
    RACES.write(ledger.root, f"{0:016x}", Race(f"{0:016x}", turns, 6, 10))
    arms = {j.arm.config_hash: j.arm for j in judge_arms(ledger.read().records)}
    arms[f"{0:016x}"] = judge_arms(ledger.read().records)[0].baseline
    steps = race_stages(ledger.root, f"{0:016x}", arms)
    assert [(s.idea, s.seeds, s.kept) for s in steps] == [
        ("kept", (42,), True),
        ("gone", (42,), False),
        ("kept", (137, 256), True),
        ("kept", (7, 8), True),
    ]
    assert min(step.start for step in steps) == 0.0
    assert steps[-1].mean_gain == pytest.approx(0.03)
    write_report(ledger, tmp_path / "report")
    assert drawn == ["race"]


@pytest.mark.parametrize("text", ["{", "[]", '{"turns": [{"config_hash": 1}]}'])
def test_a_race_that_cannot_be_read_is_none(ledger: Ledger, text: str) -> None:
    (ledger.root / "races").mkdir()
    (ledger.root / "races/x.json").write_text(text)
    assert race_stages(ledger.root, "x", {}) == ()


def test_an_idea_is_one_sweep(ledger: Ledger) -> None:
    judgement = next(j for j in judge_arms(ledger.read().records) if j.arm.name == "better")
    assert commands(judgement, ledger.root) == (
        "python -m src.train model=tiny +idea=better seed=42,137,256 "
        "paths.output_dir=reproduced -m",
    )


def test_a_hostile_override_is_one_word(ledger: Ledger) -> None:
    judgement = next(j for j in judge_arms(ledger.read().records) if "onerror" in j.arm.name)
    (command,) = commands(judgement, ledger.root)
    assert f"+idea={HOSTILE}" in shlex.split(command)


def test_a_swept_setting_is_typed_as_a_line_beside_its_baseline(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for arm, extra in (("baseline", ()), ("optimizer=muon", ("optimizer=muon",))):
        for seed in (1, 2):
            ledger.write(
                Record(
                    key=f"{arm}{seed}", config_hash=arm, baseline_hash="baseline", arm=arm,
                    ideas=(), seed=seed, status="finished", metrics={"val_loss": seed / 10},
                    overrides=("model=tiny", "paths.output_dir=/x", *extra, f"seed={seed}"),
                )
            )  # fmt: skip
    (line,) = commands(judge_arms(ledger.read().records)[0], ledger.root)
    assert line == (
        "python -m src.train model=tiny --arm optimizer=muon seed=1,2 "
        "paths.output_dir=reproduced -m"
    )


def test_an_empty_ledger_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(AuditionError, match="nothing to report"):
        write_report(Ledger(tmp_path), tmp_path / "report")


def test_a_folder_that_cannot_be_is_one_sentence(ledger: Ledger, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditionError, match="cannot write"):
        write_report(ledger, tmp_path / "file")


def test_the_command_says_where(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    carry_out(["report", "better", "--output-dir", str(ledger.root)])
    page = ledger.root / "report/report.html"
    assert str(page) in capsys.readouterr().out
    assert "1 idea: 1 supported." in page.read_text()


@pytest.mark.usefixtures("drawn")
def test_the_command_as_data(
    ledger: Ledger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--output-dir", str(ledger.root), "--to", str(tmp_path / "x"), "--json"]
    carry_out(["report", *where])
    paths = json.loads(capsys.readouterr().out)
    assert Path(paths["page"]).is_file()
    assert Path(paths["markdown"]).is_file()
    assert paths["figures"] == []


def test_the_command_refuses_an_alpha_that_is_none(ledger: Ledger) -> None:
    with pytest.raises(AuditionError, match="--alpha 2 is out of range"):
        carry_out(["report", "--output-dir", str(ledger.root), "--alpha", "2"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("spectral_gate", "spectral_gate"),
        ("_x_", "\\_x\\_"),
        ("a|b", "a\\|b"),
        ("[−0.1, +0.2]", "[−0.1, +0.2]"),
        ("[a](b)", "[a\\](b)"),
        ("two\nlines", "two lines"),
        ("<b>&", "&lt;b>&amp;"),
    ],
)
def test_plain_text_in_markdown(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_a_fence_is_longer_than_what_it_holds() -> None:
    assert fenced("a ```` b", "sh") == "`````sh\na ```` b\n`````"


def test_samples_of_text_are_shown_arm_against_arm(ledger_of, tmp_path):
    ledger = ledger_of({"baseline": {1: 1.5, 2: 1.6}, "idea": {1: 1.4, 2: 1.5}})
    for record in ledger.read().records:
        if record.seed == 2:
            text = f"KING: hark <b>\n----\nso says {record.arm}\n"
            (ledger.folder_of(record) / "sample.txt").write_text(text)
    written = write_report(ledger, tmp_path / "report")
    page, markdown = written.page.read_text(), written.markdown.read_text()
    for arm in ("baseline", "idea"):
        assert f"What {arm} seed 2 makes of held-out text" in page
        assert f"so says {arm}" in page
        assert f"so says {arm}\n" in markdown
    assert "hark &lt;b&gt;" in page
    assert "seed 1 makes" not in page


def test_the_card_of_a_draft_is_shown_as_far_as_it_goes(ledger_of, tmp_path):
    ledger = ledger_of({"baseline": {1: 1.5, 2: 1.6}, "idea": {1: 1.4, 2: 1.5}})
    draft = {"cards": {"idea": {"pitch": "Do less.", "test": {"steps": 80}}}}
    for record in ledger.read().records:
        if record.arm == "idea":
            (ledger.folder_of(record) / "config.yaml").write_text(yaml.safe_dump(draft))
    written = write_report(ledger, tmp_path / "report")
    for text in (written.page.read_text(), written.markdown.read_text()):
        assert "Do less." in text
        assert "80 steps" in text
        assert "a draft, which lacks" in text
        assert "falsifier, kill" in text.replace("\\", "")
        assert "against it" not in text
