"""Both sides are tuned alike, the best meet on seeds that chose nothing, and luck of a default dies."""

from collections import Counter
from dataclasses import replace

import pytest
from standins import fashion

from audition.answers import judge_arms
from audition.answers.baselines import baseline_in, rivals_of
from audition.errors import AuditionError
from audition.records.registration import registrations
from audition.records.tuned import tuned_for
from audition.sweep.arms import with_arms
from audition.sweep.plan import make_plan
from audition.sweep.tune.entrants import entrants
from audition.sweep.tune.settings import Tuning

# The planted loss is least at lr 0.01, whatever the optimizer; muon alone is better by 0.3.


def verdicts(arena):
    records = arena.ledger.read().records
    return {j.arm.name: j for j in judge_arms(records, plans=registrations(arena.ledger.root))}


def test_a_win_of_the_default_rate_alone_dies(arena, capsys) -> None:
    # SGD stands at 0.1962, more than a decade off its best, and AdamW at 0.004.
    tuned = arena.comparison(
        "baseline='optimizer=sgd' optimizer=adamw,muon tune=optimizer.lr", trials=9
    )
    contenders = tuned.tune_all()
    assert [c.name for c in contenders] == ["baseline", "optimizer=adamw", "optimizer=muon"]
    assert tuned.judge(contenders)
    judged = {j.arm.name.split(",")[0]: j.comparison for j in verdicts(arena).values()}
    assert abs(judged["optimizer=adamw"].improvement) < 0.02
    assert judged["optimizer=adamw"].verdict != "supported"
    assert judged["optimizer=muon"].verdict == "supported"
    assert judged["optimizer=muon"].improvement == pytest.approx(0.3, abs=0.02)
    said = capsys.readouterr().err
    assert "optimizer=adamw: at default settings, on 3 screening seeds, +1.51" in said


def test_every_arm_gets_the_same_trials_and_the_fresh_seeds_chose_nothing(arena) -> None:
    tuned = arena.comparison("optimizer=adamw,muon tune=optimizer.lr", trials=5, fresh_seeds=4)
    contenders = tuned.tune_all()
    assert {len(c.tries) for c in contenders} == {5}
    assert Counter(run.seed for run in arena.made) == dict.fromkeys((42, 137, 256), 10)
    arena.made.clear()
    assert tuned.judge(contenders)
    assert {run.seed for run in arena.made}.isdisjoint((42, 137, 256))
    assert Counter(run.arm.name for run in arena.made) == {
        "baseline": 4,
        "optimizer=muon,optimizer.lr=0.011485": 4,
    }
    (judgement,) = verdicts(arena).values()
    assert judgement.comparison.seeds == tuple({run.seed: 0 for run in arena.made})
    assert judgement.standing.word == "as planned"
    assert judgement.standing.terms == "each at its best of 5 trials in optimizer.lr"


def test_trials_are_no_rivals_of_later_ideas(arena) -> None:
    tuned = arena.comparison("optimizer=adamw,muon tune=optimizer.lr")
    tuned.judge(tuned.tune_all())
    arms, baseline = baseline_in(arena.ledger.read().records, None)
    assert [a.name for a in rivals_of(arms, baseline)] == ["optimizer=muon,optimizer.lr=0.011485"]
    assert {j.comparison.family_size for j in verdicts(arena).values()} == {1}


def test_the_same_comparison_again_makes_nothing_and_wider_makes_the_rest(arena) -> None:
    line = "optimizer=adamw,muon tune=optimizer.lr"
    arena.comparison(line, trials=3).tune_all()
    assert len(arena.made) == 2 * 3 * 3
    arena.made.clear()
    arena.comparison(line, trials=3).tune_all()
    assert arena.made == []
    arena.comparison(line, trials=5).tune_all()
    assert len(arena.made) == 2 * 2 * 3


def test_what_was_tried_is_kept_for_the_figure(arena) -> None:
    tuned = arena.comparison("optimizer=adamw,sgd tune=optimizer.lr", trials=5)
    contenders = tuned.tune_all()
    tuned.judge(contenders)
    (plan,) = [p for p in registrations(arena.ledger.root) if not p.screening]
    (kept,) = tuned_for(arena.ledger.root, plan.baseline_hash)
    assert kept.contenders == contenders
    base, sgd = kept.contenders
    assert [t.values["optimizer.lr"] for t in base.tries] == [0.004, 0.001, 0.002, 0.008, 0.016]
    assert base.best(kept.seeds).values == {"optimizer.lr": 0.008}
    assert (base.edge(kept.seeds), sgd.edge(kept.seeds)) == ("", "smallest")


def test_what_an_arm_sets_of_a_tuned_key_is_where_its_tuning_begins(arena) -> None:
    asked = arena.question("tune=optimizer.lr")
    question = with_arms(asked, ["optimizer=sgd optimizer.lr=0.02"])
    found = entrants(question, make_plan(question, arena.compose), arena.compose)
    assert found[1].at("optimizer.lr") == 0.02
    values = [trial.values["optimizer.lr"] for trial in found[1].trials("optimizer.lr", Tuning())]
    assert values == pytest.approx([0.02, 0.005, 0.01, 0.04, 0.08])


def test_a_rate_that_diverges_is_no_best(arena) -> None:
    tuned = arena.comparison("optimizer=adamw,sgd tune=optimizer.lr", trials=7)
    _, sgd = tuned.tune_all()
    wild = [t for t in sgd.tries if t.values["optimizer.lr"] > 0.5]
    assert wild
    assert all(set(t.losses.values()) == {None} for t in wild)
    assert sgd.best(tuned.seeds) not in wild


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("tune=optimizer.lr", "there is none: add \\+idea"),
        ("optimizer.lr=0.1,0.2 tune=optimizer.lr", "would tune it away"),
        (
            "norm=layernorm,rmsnorm optimizer.lr=0.1,0.2 tune=optimizer.lr",
            "optimizer.lr=0.2 is an arm, and tune=optimizer.lr would tune it away",
        ),
        (
            "optimizer=adamw,muon tune=optimizer.lrr",
            "baseline has no such setting; did you mean 'lr'\\?",
        ),
        ("optimizer=adamw,muon tune=optimizer.betas", "only a number above 0"),
        (
            "optimizer=muon baseline='optimizer=sgd' norm=layernorm,rmsnorm tune=optimizer.momentum",
            "would try baseline at 1.9",
        ),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_any_run(arena, line: str, sentence: str) -> None:
    with pytest.raises(AuditionError, match=sentence):
        arena.comparison(line).tune_all()
    assert arena.made == []


def test_nothing_is_tuned_by_a_test(arena, tmp_path):
    stand_in = fashion(tmp_path / "fashion", training=6010, test=10)
    asked = " ".join(("experiment=fashion", *stand_in, "data.held_out=test", "tune=optimizer.lr"))
    pictures = replace(arena, common=arena.common[-2:])
    with pytest.raises(AuditionError, match=r"^data\.held_out=test is for a comparison"):
        pictures.comparison(f"optimizer=adamw,sgd {asked}")
