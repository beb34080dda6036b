"""The lab on planted ledgers: progress, ratings by what the ledger shows, and what to run next."""

import shlex
from dataclasses import replace

import pytest
import yaml
from made_records import made

from audition.amount import Amount
from audition.answers.claims import claim_in
from audition.answers.lab.experiments import name_of
from audition.answers.lab.outlook import lab_of
from audition.answers.rating import Facts, rate
from audition.config.root import conf_dir
from audition.plain_file import Unreadable
from audition.records.registration import (
    PlannedArm,
    PlannedClaim,
    Registration,
    register,
    registrations,
)
from audition.records.store import Contents, Ledger

CLAIMS = conf_dir().parent / "claims"
GAIN = {"baseline": 0.0, "better": 0.1, "placebo": 0.0}


def planted(
    root, arms=("better",), seeds=(1, 2, 3, 4, 5), *, missing=(), planned=True, command="", **facts
):
    """A ledger with a plan of those arms and runs of all of it but the `missing` (arm, seed)."""
    ledger = Ledger(root)
    plan = Registration(
        baseline_hash="baseline",
        baseline_seeds=seeds,
        arms=tuple(PlannedArm(name=a, config_hash=a, seeds=seeds, cards={}) for a in arms),
        metric=facts.pop("metric", "val_loss"),
        sesoi=0.01,
        sides="two",
        command=command,
        judged_on=facts.pop("judged_on", ()),
        terms=facts.pop("terms", ""),
        claims=facts.pop("claims", ()),
    )
    register(root, plan)
    sizes = facts.pop("sizes", {})
    usual = {"evaluation": "rows", "plan": plan.digest() if planned else "", "started": "2026"}
    for arm in ("baseline", *arms):
        for seed in seeds:
            if (arm, seed) in missing:
                continue
            loss = 2.0 - GAIN[arm] + 0.02 * seed + 0.001 * ((seed * 7 + len(arm)) % 3)
            own = {**usual, **facts}
            if arm in sizes:
                size = Amount(sizes[arm], "bytes", own.pop("method", "exact"))
                own["costs"] = {"model_bytes": size}
            name = plan.metric
            ledger.write(
                replace(
                    made(arm, seed, loss, **own), primary=name, metrics={name: loss}, host="here"
                )
            )
    return ledger


def look(ledger, tmp_path, claims=()):
    return lab_of(ledger, ledger.read(), registrations(ledger.root), claims, tmp_path / "sweeps")


def only(ledger, tmp_path):
    """The rating of the one arm of the one experiment."""
    (experiment,) = look(ledger, tmp_path).experiments
    return experiment.best.rating


def test_a_planned_and_replicated_gain_earns_what_needs_no_cost(tmp_path):
    rating = only(planted(tmp_path), tmp_path)
    assert {p.name: p.earned for p in rating.points} == {
        "planned": 1,
        "held out": 1,
        "replicated": 2,
        "fair": 1,
        "settled": 1,
        "size": 0,
        "measured": 0,
        "elsewhere": 0,
    }
    assert (rating.total, rating.caps) == (6, ())


def test_a_placebo_does_not_pass_six(tmp_path):
    """Not even where another data set says the same of it."""
    ledger = planted(tmp_path, ("placebo",), tuple(range(1, 21)))
    records = ledger.read().records
    plan = replace(registrations(tmp_path)[0], baseline_hash="other", command="elsewhere")
    plan = replace(plan, arms=(replace(plan.arms[0], config_hash="other_placebo"),), seal="")
    register(tmp_path, plan)
    for record in records:
        names = {"baseline": "other", "placebo": "other_placebo"}
        ledger.write(
            replace(
                record,
                key=f"other{record.key}",
                config_hash=names[record.config_hash],
                baseline_hash="other",
                evaluation="other rows",
                plan=plan.digest(),
            )
        )
    best = [each.best for each in look(ledger, tmp_path).experiments]
    assert {each.judgement.comparison.kind for each in best} == {"negligible"}
    assert max(each.rating.total for each in best) <= 6
    assert all("every placebo" in each.rating.points[-1].reason for each in best)


@pytest.mark.parametrize(
    ("ledger", "most", "why"),
    [
        ({"metric": "train_loss"}, 2, "loss of training"),
        ({"missing": tuple(("baseline", s) for s in (3, 4, 5))}, 3, "2 shared seeds"),
        ({"seeds": (1, 2)}, 3, "2 shared seeds"),
        ({"device": "cuda"}, 4, "unlike in what is not claimed"),
    ],
)
def test_a_planted_fault_caps_the_rating(tmp_path, ledger, most, why):
    if "device" in ledger:
        own = planted(tmp_path)
        for record in own.read().records:
            if record.arm == "better":
                own.write(replace(record, device="cuda"))
    else:
        own = planted(tmp_path, **ledger)
    rating = only(own, tmp_path)
    assert rating.total <= most
    assert any(cap.most == most and why in cap.reason for cap in rating.caps)


def test_a_baseline_on_other_seeds_is_none(tmp_path):
    ledger = planted(tmp_path, missing=[("better", s) for s in (1, 2)])
    for record in ledger.read().records:
        if record.arm == "baseline" and record.seed > 2:
            ledger.write(replace(record, status="failed", metrics={}))
    rating = only(ledger, tmp_path)
    assert any(cap.most == 2 and "same seeds" in cap.reason for cap in rating.caps)


def test_a_run_with_other_bits_caps_the_rating(tmp_path):
    ledger = planted(tmp_path)
    contents = ledger.read()
    path = ledger.folder_of(contents.records[-1]) / "record.json"
    clash = Unreadable(path, "and x are unlike records of one run: neither counts")
    lab = lab_of(
        ledger, Contents(contents.records, (clash,)), registrations(tmp_path), (), tmp_path / "none"
    )
    assert any("other bits" in cap.reason for cap in lab.experiments[0].best.rating.caps)


@pytest.mark.parametrize("more", [6, 8, 20])
def test_more_seeds_never_lower_a_rating_even_where_they_were_added_after_a_look(tmp_path, more):
    first = only(planted(tmp_path, command="x"), tmp_path).total
    planted(tmp_path, seeds=tuple(range(1, more + 1)), command="x", planned=True)
    assert only(Ledger(tmp_path), tmp_path).total >= first


def test_runs_before_their_plan_are_not_planned(tmp_path):
    assert only(planted(tmp_path, planned=False), tmp_path).points[0].earned == 0


def test_arms_chosen_on_other_seeds_are_fair_only_where_all_were_tuned(tmp_path):
    chosen = only(planted(tmp_path / "a", judged_on=(1, 2, 3, 4, 5)), tmp_path)
    tuned = only(planted(tmp_path / "b", judged_on=(1, 2, 3, 4, 5), terms="5 of each"), tmp_path)
    assert (chosen.points[3].earned, tuned.points[3].earned) == (0, 1)


def test_document_004_is_rated_by_the_same_rubric(tmp_path):
    rows = {
        "document004_clipping": ("2 of 10", 0),
        "document004_batches": ("5 of 10", 1),
        "document004_distillation": ("5 of 10", 0),
    }
    claims = [claim_in(CLAIMS / f"{name}.yaml") for name in rows]
    found = look(planted(tmp_path), tmp_path, claims).published
    assert {c.name: (c.published, rating.total) for c, rating in found} == rows
    for _, rating in found:
        assert rating.total == min(rating.earned, 2)
        assert any("loss of training" in cap.reason for cap in rating.caps)


def test_what_files_say_of_published_results_are_facts_of_the_rubric():
    plain = yaml.safe_load((CLAIMS / "document004_batches.yaml").read_text(encoding="utf-8"))
    assert rate(Facts(**plain["as_published"])).total == 1


def sweeps(tmp_path, *names, words="# Claim: as good for less\n"):
    (tmp_path / "sweeps").mkdir(exist_ok=True)
    for name in names:
        (tmp_path / "sweeps" / f"{name}.yaml").write_text(words)


def test_progress_is_by_campaign_whatever_else_was_typed(tmp_path):
    sweeps(tmp_path, "pruning", "quantization")
    sweeps(tmp_path, "noise", words="# no such line\n")
    command = "python -m src.train +sweeps=pruning budget.steps=5 -m"
    ledger = planted(tmp_path, command=command, missing=[("better", 5)])
    lab = look(ledger, tmp_path)
    assert [(e.name, e.done, e.planned) for e in lab.experiments] == [
        ("pruning", 9, 10),
        ("quantization", 0, 0),
    ]
    assert [(n.experiment, n.command) for n in lab.next] == [
        ("pruning", command),
        ("quantization", f"{door()} +sweeps=quantization +sprint=15 {where(tmp_path)}-m"),
    ]


def test_students_are_begun_by_their_teachers(tmp_path):
    words = "claim: x\nhydra:\n  params:\n    seed: 1,2\n  arms: [loss.teacher=baseline]\n"
    sweeps(tmp_path, "distillation", words=words)
    folder = tmp_path / "sweeps"
    (alone,) = lab_of(Ledger(tmp_path), Contents((), ()), (), (), folder).next
    assert alone.command == f"{door()} seed=1,2 keep.weights=true {where(tmp_path)}-m"
    (taught,) = lab_of(Ledger(tmp_path), planted(tmp_path / "x").read(), (), (), folder).next
    assert "+sweeps=distillation" in taught.command


def door():
    from audition.command_line import train_door

    return shlex.join(train_door())


def where(root):
    return f"paths.output_dir={root} "


def test_another_plan_is_an_experiment_by_its_arms(tmp_path):
    ledger = planted(tmp_path, ("better", "placebo"), command="python -m src.train x -m")
    (experiment,) = look(ledger, tmp_path).experiments
    assert experiment.name == "better and 1 more arm"
    (plan,) = registrations(tmp_path)
    assert name_of(replace(plan, command='python +sweeps=a "')) == "a"


def test_the_distribution_counts_experiments_by_their_best_arm(tmp_path):
    ledger = planted(tmp_path, ("better", "placebo"))
    assert look(ledger, tmp_path).distribution == {"none": 0, "low": 0, "middle": 1, "high": 0}


def test_it_is_plain_data(tmp_path):
    import json

    from audition.stats.comparison import json_ready

    lab = look(planted(tmp_path), tmp_path)
    plain = json.loads(json.dumps(json_ready(lab.to_dict()), allow_nan=False))
    assert plain["experiments"][0]["results"][0]["rating"]["total"] == 6


def test_an_empty_ledger_has_only_what_could_be_begun(tmp_path):
    sweeps(tmp_path, "pruning")
    lab = lab_of(Ledger(tmp_path), Contents((), ()), (), (), tmp_path / "sweeps")
    assert [(e.name, e.planned) for e in lab.experiments] == [("pruning", 0)]
    assert len(lab.next) == 1


def claimed(tmp_path, *, size=30.0, k=2.0, method="exact", **more):
    """A ledger that claims a file of 1/k the bytes; the baseline's has 100."""
    claim = PlannedClaim(cost="model_bytes", k=k, delta=0.05, arms=("placebo",), **more)
    arms = ("placebo", *more.get("controls", ()))
    sizes = {"baseline": 100.0, "placebo": size, **dict.fromkeys(more.get("controls", ()), 30.0)}
    return planted(tmp_path, arms, claims=(claim,), sizes=sizes, method=method)


@pytest.mark.parametrize(
    ("ledger", "earned", "word"),
    [
        ({}, {"settled": 1, "size": 2, "measured": 1}, "supported"),
        ({"size": 40.0}, {"settled": 1, "size": 1, "measured": 1}, "supported"),
        ({"size": 80.0}, {"settled": 1, "size": 2, "measured": 1}, "refuted"),
        ({"method": "modelled"}, {"settled": 1, "size": 2, "measured": 0}, "supported"),
    ],
)
def test_a_claim_is_rated_by_its_factor_and_how_its_cost_was_come_by(
    tmp_path, ledger, earned, word
):
    (experiment,) = look(claimed(tmp_path, **ledger), tmp_path).experiments
    (result,) = experiment.results
    assert result.words == (word,)
    assert {p.name: p.earned for p in result.rating.points if p.name in earned} == earned
    assert result.rating.total == 6 - 1 + sum(earned.values())


def test_a_claim_whose_control_passes_too_is_capped(tmp_path):
    ledger = claimed(tmp_path, controls=("better",))
    for record in ledger.read().records:
        flops = {"train_flops": Amount(1e9, "operations", "exact")}
        small = 10 if record.arm == "better" else 100
        ledger.write(replace(record, parameters=small, costs={**record.costs, **flops}))
    (experiment,) = look(ledger, tmp_path).experiments
    rating = next(r.rating for r in experiment.results if r.judgement.arm.name == "placebo")
    assert rating.total == 5
    assert any("smaller plain model" in cap.reason for cap in rating.caps)


def test_the_best_factor_of_a_cost_is_a_lower_bound_and_no_control(tmp_path):
    lab = look(claimed(tmp_path, size=25.0), tmp_path)
    (factor,) = lab.factors
    assert (factor.cost, factor.method, factor.arm, factor.word) == (
        "model_bytes",
        "exact",
        "placebo",
        "supported",
    )
    assert factor.least == pytest.approx(4.0)
    assert look(claimed(tmp_path / "x", size=120.0), tmp_path / "x").factors == ()


def test_a_campaign_that_tunes_is_begun_whole(tmp_path):
    sweeps(tmp_path, "batch_size", words="tune: optimizer.lr\nclaim:\n  cost: train_seconds\n")
    (step,) = lab_of(Ledger(tmp_path), Contents((), ()), (), (), tmp_path / "sweeps").next
    assert "+sweeps=batch_size" in step.command
    assert "sprint" not in step.command
