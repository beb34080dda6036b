"""A paper has every number from `numbers.json`, the same bytes twice, and keeps what was edited."""

import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from audition.cli.ledger import carry_out
from audition.errors import AuditionError
from audition.records.contents import contents_of
from audition.records.registration import (
    PlannedArm,
    PlannedClaim,
    Registration,
    register,
    registrations,
)
from audition.records.store import Ledger
from audition.report.paper.content import Judged, judged, numbers_of
from audition.report.paper.document import Document, Grid, Numbers, Paragraph
from audition.report.paper.latex import escaped, tables_of
from audition.report.paper.lint import known_numbers, strays, within
from audition.report.paper.markdown import as_markdown
from audition.report.paper.sections import paper, slides
from audition.report.paper.typst import set_pdf
from audition.report.paper.write import Paper, check, references, write_paper

typst = pytest.importorskip(
    "typst", reason="extra paper is not installed: pip install 'audition[paper]'"
)

Make = Callable[..., Ledger]
HOSTILE = '#eval("x")\\input{y}_*[z](w)$'
ARMS = {
    "baseline": {42: 1.500, 137: 1.511, 256: 1.494},
    "int8": {42: 1.470, 137: 1.478, 256: 1.466},
    HOSTILE: {42: 1.502, 137: 1.506, 256: 1.497},
    "wild": {42: 1.49, 137: math.nan, 256: 1.50},
}


@pytest.fixture(scope="module")
def planned(ledger_at: Make, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """A ledger of three arms with the plan that named them."""
    ledger = ledger_at(tmp_path_factory.mktemp("planned") / "outputs", ARMS)
    arms = tuple(
        PlannedArm(
            name=name.replace("/", "-"), config_hash=f"{k:016x}", seeds=(42, 137, 256), cards={}
        )
        for k, name in enumerate(ARMS)
        if name != "baseline"
    )
    register(
        ledger.root,
        Registration(
            baseline_hash=f"{0:016x}",
            baseline_seeds=(42, 137, 256),
            arms=arms,
            metric="val_loss",
            sesoi=0.01,
            claims=(PlannedClaim(cost="tokens", k=2, delta=0.01, arms=(f"{1:016x}",)),),
            command="python -m src.train deploy=int8 seed=42,137,256 -m",
        ),
    )
    return ledger


@pytest.fixture(scope="module")
def of(planned: Ledger) -> Judged:
    plans = registrations(planned.root)
    return judged(planned, contents_of(planned), plans[0], plans)


@pytest.fixture(scope="module")
def written(of: Judged, tmp_path_factory: pytest.TempPathFactory) -> Paper:
    """A paper: look, never touch."""
    return write_paper(of, tmp_path_factory.mktemp("paper") / "one", author="A. Nother")


@pytest.fixture
def folder(written: Paper, tmp_path: Path) -> Path:
    """A copy of it, to be edited."""
    return Path(shutil.copytree(written.folder, tmp_path / "paper"))


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_ledger_gives_the_same_bytes(of: Judged, written: Paper, tmp_path: Path) -> None:
    one = written
    other = write_paper(of, tmp_path / "other", author="A. Nother")
    found = digests(one.folder)
    assert found == digests(other.folder)
    assert one.pdf.read_bytes().startswith(b"%PDF")
    assert {"main.pdf", "slides.pdf", "main.tex", "main.md", "refs.bib", "numbers.json"} <= set(
        found
    )
    for name in one.figures:
        assert {f"figures/{name}.svg", f"figures/{name}.pdf"} <= set(found)
    bib = (one.folder / "refs.bib").read_text()
    assert "@article{nosek2018" in bib
    assert "welch1947" not in bib


def test_its_sentences_are_the_verdicts(of: Judged, written: Paper) -> None:
    folder = written.folder
    plain = json.loads((folder / "numbers.json").read_text())
    text = (folder / "main.md").read_text()
    assert [v["idea"] for v in plain["verdicts"]] == [facts.name for facts in of.facts]
    abstract = text.split("## What was asked")[0]
    for facts in of.facts:
        if facts.name == "int8":
            assert f"int8: {facts.sentence}" in abstract
            assert "int8 (claim): refuted: the same for at most 1/2 of the tokens" in abstract
    every = {row[1] for row in plain["tables"]["runs"]["rows"]}
    assert every == {"42", "137", "256"}
    assert plain["texts"]["plan.digest"] in text
    assert "python -m src.train deploy=int8" in text
    rated = text.split("## Appendix: ratings")[1].split("## Appendix")[0]
    assert "1/2 replicated: 3 shared seeds" in rated
    left = text.split("## What did not come out")[1].split("## Costs")[0]
    assert "wild" in left
    # The arm is better; of it, only what was claimed did not come out.
    assert [line.split(":")[0] for line in left.splitlines() if "int8" in line] == [
        "* int8 (claim)"
    ]


def test_an_arm_with_a_claim_is_rated_and_listed_by_it(of: Judged) -> None:
    number = [facts.name for facts in of.facts].index("int8")
    assert "no cost is claimed" not in " ".join(of.ratings[number].reasons)
    verdict = of.verdicts[number]
    claim = verdict.judgement.claims[0]
    holds = replace(claim, less=replace(claim.less, value=math.log(2.0)), p_of_family=None)
    assert holds.word == "supported"
    judgement = replace(
        verdict.judgement,
        claims=(holds,),
        comparison=replace(verdict.judgement.comparison, verdict="refuted"),
    )
    facts = replace(of.facts[number], verdict="refuted")
    one = replace(
        of, verdicts=[replace(verdict, judgement=judgement)], facts=[facts], ratings=of.ratings[:1]
    )
    document = paper(one, numbers_of(one), ["forest", "frontier-tokens"])
    assert "@article{berger1996" in references(document)[0]
    texts = as_markdown(document, numbers_of(one), references(document)[1])
    assert "1 refuted as gains; of 1 claim of the same for less, 1 supported" in texts
    talk = as_markdown(slides(one, numbers_of(one), []), numbers_of(one), {})
    assert "int8 (claim): supported: the same for at most 1/2" in talk
    assert "no null to report" in texts
    assert "figures/frontier-tokens.svg" in texts
    assert "claim" not in texts.split("## What did not come out")[1].split("## Costs")[0]


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("main.md", "It gains 0.4711 nats.", "main.md line"),
        ("main.typ", "It gains 0.4711 nats.", "main.typ line"),
        ("slides.typ", "- 0.4711", "slides.typ line"),
        ("main.tex", "It gains 0.4711 nats.\n\\end{document}", "main.tex line"),
    ],
)
def test_a_number_of_its_own_fails(folder: Path, file: str, text: str, line: str) -> None:
    check(folder)
    path = folder / file
    path.write_text(path.read_text().replace("\\end{document}", "") + "\n" + text + "\n")
    with pytest.raises(AuditionError, match=rf"not from numbers\.json: {line} \d+: 0\.4711"):
        check(folder)


def test_an_edited_file_is_kept_and_its_numbers_are_todays(of: Judged, folder: Path) -> None:
    path = folder / "main.typ"
    path.write_text(path.read_text() + '\nOf this, more in #t("arms.count");.\n')
    again = write_paper(of, folder, title="Another title")
    assert again.kept == ("main.typ",)
    assert "more in" in path.read_text()
    assert "Another title" in (folder / "numbers.json").read_text()
    assert "# Another title" in (folder / "main.md").read_text()
    path.write_text(path.read_text() + "\nIt gains 0.4711 nats.\n")
    with pytest.raises(AuditionError, match=r"0\.4711"):
        write_paper(of, folder)
    path.write_text(path.read_text().replace("It gains 0.4711 nats.", "#nothing()"))
    with pytest.raises(AuditionError, match=r"main\.typ cannot be set"):
        set_pdf(path)


def test_a_document_with_a_number_is_refused(of: Judged) -> None:
    numbers = numbers_of(of)
    paper(of, numbers, ("forest",)).check(numbers)
    with pytest.raises(AuditionError, match="and this one is written: 'It gains 3 nats'"):
        Document("{title}", "", (Paragraph("It gains 3 nats"),)).check(numbers)
    with pytest.raises(AuditionError, match=r"has no text 'arm\.nine\.gain'"):
        Document("{title}", "{arm.nine.gain}").check(numbers)


def test_what_a_number_is() -> None:
    assert list(within("int8, deploy=int4_g128, v2 and a91ee0")) == []
    assert list(within("−0.012 (95 %), 1,024 seeds; 3e-5, 2.")) == [
        "0.012",
        "95",
        "1,024",
        "3e-5",
        "2",
    ]
    known = known_numbers({"texts": {"a": "p = 0.02"}, "tables": {}})
    assert not list(
        strays("main.tex", "\\documentclass[11pt]{article}\n\\begin{document} 0.02", known)
    )
    assert not list(strays("main.typ", '#t("arm.1.p"); #drawing("x", [0.02])', known))
    (found,) = strays("main.md", "fine\n[a link](http://x/1) 0.03", known)
    assert (found.line, found.number) == (2, "0.03")


def test_signs_that_latex_lacks_are_written_in_its_own() -> None:
    assert escaped("a_b & 5 % ± σ → ✓") == r"a\_b \& 5 \% $\pm$ $\sigma$ $\rightarrow$ ?"
    rows = [(str(i), "x" * 90) for i in range(50)]
    parts = tables_of("runs", Grid(("seed", "why"), rows))
    assert [(name, text.count("xxx & ") + text.count(" \\\\")) for name, text in parts.items()] == [
        ("runs-1.tex", 41),
        ("runs-2.tex", 11),
    ]
    assert r"{lp{.6\linewidth}}" in parts["runs-1.tex"]
    assert list(tables_of("none", Grid(("a",), ()))) == ["none.tex"]
    assert Numbers({}, {}).plain() == {"texts": {}, "tables": {}, "verdicts": []}


def test_the_command_writes_and_checks(
    planned: Ledger, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    carry_out(["paper", "int8", "--to", str(folder), "--output-dir", str(planned.root)])
    assert "main.pdf" in capsys.readouterr().out
    carry_out(["paper", "--check", str(folder), "--output-dir", str(planned.root)])
    assert "every number is from numbers.json" in capsys.readouterr().out
    where = ["--output-dir", str(planned.root)]
    for words, said in (
        (["paper", *where], "needs a folder: --to DIR"),
        (["paper", "nobody", "--to", "x", *where], "there is no plan 'nobody'"),
        (["paper", "--to", str(tmp_path), *where], "holds other things"),
        (
            ["paper", "--check", str(tmp_path), *where],
            r"has no numbers\.json: `audition paper --to",
        ),
    ):
        with pytest.raises(AuditionError, match=said):
            carry_out(words)


def test_without_typst_it_is_one_sentence(
    of: Judged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "typst", None)
    with pytest.raises(AuditionError, match=r"pip install 'audition\[paper\]'"):
        write_paper(of, tmp_path / "paper")
