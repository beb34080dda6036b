"""A run's lineage, shown: figures hold the numbers of the log, and command and page tell the same."""

import json
import re
from dataclasses import replace

import pytest

from audition.answers.lineage.family import Family
from audition.answers.lineage.measures import survival
from audition.answers.lineage.read import units_of
from audition.answers.specialization import stages_of
from audition.cli.ledger import main
from audition.observers.lineage import LineageLog
from audition.observers.profiles import TokenProfiles
from audition.records.lineage import FILE, Lineage, Turn
from audition.report.figures import family_tree, muller, survival_curve, unit_careers
from audition.report.figures.lineage.clades import clades_of
from audition.report.figures.lineage.muller import bands_of
from audition.report.page import write_report
from audition.report.style import caption_of
from audition.training.loop import train

SITE = "blocks.0.feedforward"
OFTEN = (
    "apoptosis=functional_preservation",
    "apoptosis/timetable=periodic",
    "apoptosis.timetable.interval=2",
    "apoptosis.timetable.warmup=1",
)
ARMS = {
    "baseline": {1: 1.50, 2: 1.51, 3: 1.49},
    "idea": {1: 1.47, 2: 1.48, 3: 1.46},
}


def turn(step, born, slots, parents, died):
    return Turn(
        step=step,
        site=SITE,
        strategy="clone",
        born=born,
        slots=slots,
        parents=parents,
        died=died,
        fitness=(1.0, 2.0, 3.0, 4.0),
    )


LOG = replace(
    Lineage.begin({SITE: 4, "blocks.1.feedforward": 4}),
    turns=(
        turn(10, (8, 9), (2, 3), ((0,), (0,)), (2, 3)),  # 0 1 8 9
        turn(20, (10,), (1,), ((8,),), (1,)),  # 0 10 8 9
        turn(30, (11,), (0,), ((8,),), (0,)),  # 11 10 8 9
    ),
)


@pytest.fixture
def family():
    return Family.of(LOG, until=40)


def drawn(figure, gid):
    (found,) = [ln for axes in figure.axes for ln in axes.lines if ln.get_gid() == gid]
    return found


def test_clades_are_nested_and_counted(family):
    clades = clades_of(family, SITE)
    assert clades.steps == [0, 10, 20, 30, 40]
    # 0 and its descendants are 1 3 4 4 4, 8 and its own 0 1 2 3 3: more than .6 of the former
    assert clades.order == [0]
    assert clades.counts == {0: [1, 3, 4, 4, 4], None: [3, 1, 0, 0, 0]}


def test_a_clade_lies_on_both_sides_of_one_within_it(family, monkeypatch):
    monkeypatch.setattr("audition.report.figures.lineage.clades.DISTINCT", 0.8)
    clades = clades_of(family, SITE)
    assert clades.order == [0, 8]
    assert clades.parents == {0: None, 8: 0}
    bands = bands_of(clades)
    assert [clade for clade, _ in bands] == [None, 0, 8, 0]
    assert [[h[k] for _, h in bands] for k in (0, 3)] == [[3, 0.5, 0, 0.5], [0, 0.5, 3, 0.5]]


def test_muller_bands_fill_the_layer(family):
    figure = muller(family)
    (axes,) = figure.axes  # the site without events has no panel
    top = max(area.get_paths()[0].vertices[:, 1].max() for area in axes.collections)
    assert top == pytest.approx(1.0)
    assert {area.get_gid() for area in axes.collections} == {"clade-None", "clade-0"}
    assert "n\u00a0=\u00a03" in caption_of(figure) or "n = 3" in caption_of(figure)


def test_a_unit_is_a_line_from_birth_to_death(family):
    figure = family_tree(family)
    assert tuple(drawn(figure, "unit-0").get_xdata()) == (0, 30)
    assert tuple(drawn(figure, "unit-10").get_xdata()) == (20, 40)
    rows = {i: drawn(figure, f"unit-{i}").get_ydata()[0] for i in (0, 8, 9, 10, 11)}
    assert len({*rows.values()}) == 5
    assert rows[0] < rows[8] < rows[10] < rows[11] < rows[9]  # a child follows its parent
    said = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert "1 of 1 dynasties, 5 units" in said


def test_survival_is_drawn_as_computed(family):
    figure = survival_curve(family)
    for group in survival(family):
        line = drawn(figure, f"alive-{group.group}")
        assert tuple(line.get_xdata()) == group.ages
        assert tuple(line.get_ydata()) == group.alive


def test_before_the_first_death_there_is_a_sentence():
    none = Family.of(Lineage.begin({SITE: 4}), until=5)
    for draw in (family_tree, muller, survival_curve):
        assert caption_of(draw(none)) == "No unit has died yet."


@pytest.fixture
def ledger(ledger_of):
    """The idea's first two runs have a lineage."""
    made = ledger_of(ARMS)
    for record in made.read().records:
        if record.arm == "idea" and record.seed < 3:
            text = "".join(f"{line}\n" for line in LOG.lines())
            (made.folder_of(record) / FILE).write_text(text)
    return made


def ask(ledger, capsys, *words):
    main(["lineage", *words, "--output-dir", str(ledger.root)])
    return capsys.readouterr().out


def test_the_command_says_what_the_log_holds(ledger, capsys):
    said = ask(ledger, capsys, "idea/1")
    assert "3 events from step 10 to 30: 4 units born, all of them of parents, and 4 died" in said
    assert re.search(r"blocks\.0\.feedforward +4 +1 +1\.0 +100\.0%", said)
    assert re.search(r"\b0 +blocks\.0\.feedforward +0 +30 +4\b", said)
    assert (ledger.root / "report" / "lineage-idea_1-muller.png").stat().st_size > 10_000


@pytest.mark.parametrize(("form", "start"), [("json", "{"), ("newick", "("), ("dot", "digraph")])
def test_the_command_exports_the_family(ledger, capsys, tmp_path, form, start):
    told = json.loads(
        ask(ledger, capsys, "idea/2", "--json", "--export", form, "--to", str(tmp_path))
    )
    assert told["born"] == told["died"] == 4
    file = told["files"][-1]
    with open(file, encoding="utf-8") as text:
        assert text.read().startswith(start)
    assert len(told["files"]) == 7


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("baseline/1",), "baseline seed 1 wrote nothing of its units: no unit has died"),
        (("idea/9",), "no run 'idea/9'"),
        (("idea/1", "--export", "png"), "there is no format 'png'"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence(ledger, capsys, words, why):
    with pytest.raises(SystemExit) as left:
        ask(ledger, capsys, *words)
    said = capsys.readouterr().err
    assert left.value.code == 2
    assert why in said
    assert said.count("\n") == 1


def test_a_damaged_log_is_named(ledger, capsys):
    folder = next(f for f in ledger.root.rglob(FILE))
    folder.write_text('{"since": 0, "sites": {"a": 1}}\n{"step": 1, "site": "b"}\n')
    with pytest.raises(SystemExit):
        ask(ledger, capsys, str(folder.parent))
    assert f"{FILE} has an event of b, which has no units" in capsys.readouterr().err


def test_the_page_shows_it_once_an_arm(ledger, tmp_path):
    written = write_report(ledger, tmp_path / "page")
    for text in (written.page.read_text(), written.markdown.read_text()):
        assert text.count("Units of idea") == 1
        assert "Seed 1; 1 other run of the arm wrote of its units too" in text
        assert "Units of baseline" not in text
        assert "4 units born" in text
    names = [path.name for path in written.figures if path.suffix == ".png"]
    assert sum("muller" in name for name in names) == 1
    assert all(path.exists() for path in written.figures)


@pytest.fixture
def looked(ledger, job_of):
    """The idea's first run was looked at, and the baseline's, whose units never die."""
    for record in ledger.read().records:
        if record.seed == 1:
            (ledger.folder_of(record) / FILE).unlink(missing_ok=True)
            dies = OFTEN if record.arm == "idea" else ()
            folder = ledger.folder_of(record)
            train(job_of(*dies), [LineageLog(folder), TokenProfiles(folder, looks=3)])
    return ledger


def test_what_units_respond_to_is_shown(looked, capsys):
    said = ask(looked, capsys, "idea/1")
    assert "units born" in said
    assert re.search(r"\d looks at \d+ tokens; the class that units respond to most: \w+", said)
    assert "careers of units from the start" in said
    assert "careers of units made during the run" in said
    told = json.loads(ask(looked, capsys, "idea/1", "--json"))["specialization"]
    assert told["looks"] == [0, 2, 4, 6]
    assert [each["units"] for each in told["layers"]] == [128] * 8
    assert len(told["specialists"]) == 10
    spread = [each["effective"] for each in told["specialists"]]
    assert spread == sorted(spread)


def test_a_run_without_deaths_has_responses_alone(looked, capsys):
    said = ask(looked, capsys, "baseline/1")
    assert "descendants" not in said
    assert "careers of units from the start: 256" in said
    with pytest.raises(SystemExit):
        ask(looked, capsys, "baseline/1", "--export", "dot")
    assert "no unit of baseline/1 has died" in capsys.readouterr().err


def test_the_page_shows_responses_beside_the_lineage(looked, tmp_path):
    written = write_report(looked, tmp_path / "page")
    for text in (written.page.read_text(), written.markdown.read_text()):
        assert "Units of baseline" in text
        assert text.count("the class that units respond to most") == 2
        assert text.count("specialists") >= 2


def test_careers_join_looks_by_unit_and_not_by_slot(looked):
    record = next(r for r in looked.read().records if (r.arm, r.seed) == ("idea", 1))
    units = units_of(looked, record)
    first = units.family.lineage.turns[0]
    dead, born = first.died[0], first.born[first.slots.index(first.died[0] % 128)]
    assert [look.step for look in units.careers[dead]] == [0]
    assert units.careers[born][0].step == first.step == 2
    assert units.careers[born][0].drift is None
    stages = stages_of(units.careers[born])
    assert (stages[0]["from"], stages[-1]["until"]) == (2, units.careers[born][-1].step)


def test_the_picture_of_careers_has_a_line_a_unit_and_a_column_a_look(looked):
    record = next(r for r in looked.read().records if (r.arm, r.seed) == ("idea", 1))
    careers = units_of(looked, record).careers
    figure = unit_careers(careers)
    of_site = {i: each for i, each in careers.items() if each[0].site == SITE}
    steps = {look.step for each in of_site.values() for look in each}
    picture = next(a.images[0] for a in figure.axes if a.images).get_array()
    assert picture.shape == (len(of_site), len(steps), 3)
    seen = sum(len(each) for each in of_site.values())
    assert int((picture != 1.0).any(-1).sum()) == seen
    assert not unit_careers({}).axes
