"""From a question to runs: checked, identified, and less what the ledger holds."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from audition.config.root import more_seeds
from audition.errors import AuditionError
from audition.records.record import Status
from audition.records.store import Contents
from audition.sweep.announce import announcement
from audition.sweep.arms import Question
from audition.sweep.compose import Composer
from audition.sweep.plan import Plan, make_plan
from audition.sweep.search.settings import SearchSettings
from audition.sweep.single import plan_single, verdict_command
from audition.sweep.sweeper import EveryRun
from audition.sweep.tune.settings import Tuning

Ask = Callable[[str], Question]
MakePlan = Callable[[str], Plan]


@pytest.fixture
def plan(ask: Ask, composer: Composer) -> MakePlan:
    return lambda line: make_plan(ask(f"model=tiny {line}"), composer)


def labels(plan: Plan) -> list[str]:
    return [run.label for run in plan.runs]


def test_the_baseline_first_and_seeds_innermost(plan: MakePlan) -> None:
    made = plan("+idea=placebo,spectral_gate seed=1,2")
    arms = ("baseline", "placebo", "spectral_gate")
    assert labels(made) == [f"{arm} seed {seed}" for arm in arms for seed in (1, 2)]
    assert len({run.identity.key for run in made.runs}) == 6
    assert len({run.identity.config_hash for run in made.runs}) == 3
    assert {run.baseline_hash for run in made.runs} == {made.runs[0].identity.config_hash}
    assert [run.settings["seed"] for run in made.runs] == [1, 2] * 3
    assert made.runs[-1].overrides == ("model=tiny", "+idea=spectral_gate", "seed=2")
    assert [name for name, _ in made.arms()] == ["placebo", "spectral_gate"]


def test_a_seed_of_the_config_where_none_is_typed(plan: MakePlan) -> None:
    assert labels(plan("+idea=placebo")) == ["baseline seed 42", "placebo seed 42"]


def test_more_seeds_for_the_baseline_alone(plan: MakePlan) -> None:
    made = plan("+idea=placebo seed=1,2 baseline_seeds=4")
    seeds = [run.seed for run in made.runs if run.arm.name == "baseline"]
    assert seeds == [1, 2, 512, 1024]
    assert [run.seed for run in made.runs if run.arm.name == "placebo"] == [1, 2]


def test_any_number_of_further_seeds() -> None:
    assert more_seeds((512, 3), 4) == (1024, 2048, 4096, 8192)
    many = more_seeds((512, 3), 700)
    assert len({*many, 512, 3}) == 702
    assert more_seeds((512, 3), 4) == many[:4]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("+idea=placebo seed=1,2,3 baseline_seeds=2", "baseline_seeds=2 is fewer than the 3 seeds"),
        (
            "optimizer=adamw,muon baseline='seed=3' seed=1",
            "sets a seed, and arms share their seeds",
        ),
        ("optimizer=adamw,muon baseline='paths.output_dir=x'", "where runs are filed"),
        ("optimizer=adamw,muon baseline='logger=[wandb]'", "how runs are watched"),
    ],
)
def test_a_baseline_that_is_none_is_told(plan: MakePlan, line: str, said: str) -> None:
    with pytest.raises(AuditionError, match=said):
        plan(line)


def test_another_baseline(plan: MakePlan) -> None:
    made = plan("optimizer=adamw,muon baseline='optimizer=adamw' seed=1")
    assert labels(made) == ["baseline seed 1", "optimizer=muon seed 1"]
    assert made.same_as_baseline == ("optimizer=adamw",)
    made = plan("optimizer=adamw,muon baseline='optimizer=sgd' seed=1")
    assert len(made.runs) == 3
    assert made.runs[0].settings["optimizer"]["_target_"].endswith("SGD")
    assert made.same_as_baseline == ()


def test_two_names_of_one_arm_are_told(plan: MakePlan) -> None:
    with pytest.raises(AuditionError, match=r"'optimizer.lr=0.01' and .* are one and the same"):
        plan("optimizer.lr=0.01,1e-2 seed=1")
    with pytest.raises(AuditionError, match="'placebo' and 'placebo' are one and the same"):
        plan("+idea=placebo,spectral_gate,placebo seed=1")


@pytest.mark.parametrize(
    ("typed", "same"),
    [
        ("budget.tokens=1e4", "budget.tokens=10000"),
        ("budget.steps=5.0", "budget.steps=5"),
        ("optimizer.lr=1", "optimizer.lr=1.0"),
        ("execution.threads=1.0", "execution.threads=1"),
        ("training.clip=1", "training.clip=1.0"),
    ],
)
def test_a_value_is_what_its_annotation_makes_of_it(plan: MakePlan, typed: str, same: str) -> None:
    (one,), (other,) = plan(typed).runs, plan(same).runs
    assert one.identity == other.identity
    assert one.settings == other.settings
    assert repr(one.settings) == repr(other.settings)
    assert one.record.budget == other.record.budget


def test_what_is_settled_is_not_missing(plan: MakePlan) -> None:
    made = plan("+idea=placebo seed=1,2")
    records = [run.record for run in made.runs]
    ends: tuple[Status, ...] = ("finished", "diverged", "failed", "running")
    filed = tuple(replace(r, status=end) for r, end in zip(records, ends, strict=True))
    assert [r.label for r in made.missing(Contents(filed, ()))] == [
        "placebo seed 1",
        "placebo seed 2",
    ]
    assert made.missing(Contents((), ())) == made.runs
    stale = tuple(replace(r, key="of other code", status="finished") for r in records)
    assert made.missing(Contents(stale, ())) == made.runs


WRONG = [
    ("+optmizer=muon", "unknown key 'optmizer'; did you mean 'optimizer'"),
    ("+optimizer.lrr=1", "optimizer.lrr is not a setting .*; did you mean 'lr'"),
    ("optimizer.lr=-1", "optimizer.lr=-1 is out of range"),
    ("optimizer.lr=fast", "optimizer.lr='fast' is not a number"),
    ("optimizer.lr=1e-3,fast", "optimizer.lr='fast' is not a number"),
    ("+idea=placebo ideas.placebo.dose=3", "ideas.placebo.dose=3 is not"),
    ("budget.steps=5 budget.minutes=1", "budget.steps=5 and budget.minutes=1 are both set"),
    ("budget.tokens=2560 budget.steps=20,40", "budget.tokens=2560 and budget.steps=20 are both"),
    ("budget.steps=20,40", "trains for budget.steps=20 and the baseline for budget.tokens="),
    ("baseline_seeds=many", "baseline_seeds='many' is not a whole number or null"),
    ("baseline='a\\'b'", "baseline=.* cannot be read: No closing quotation"),
    ("execution.device=gpu", "execution.device='gpu' is not one of the choices"),
    ("optimizer._target_=os.system", "is not allowed: it must be in audition"),
]


@pytest.mark.parametrize(("line", "said"), WRONG)
def test_a_mistake_in_any_arm_stops_all_of_them(plan: MakePlan, line: str, said: str) -> None:
    with pytest.raises(AuditionError, match=said) as mistake:
        plan(f"{line} seed=1")
    assert "\n" not in str(mistake.value)


def test_cosmetic_settings_do_not_change_a_run(plan: MakePlan) -> None:
    one, two = (
        plan(f"seed=1 {line}").runs[0].identity.key
        for line in ("", "logger=tensorboard paths.output_dir=/x optimizer.lr=0.004")
    )
    assert one == two
    assert plan("seed=1 execution.threads=2").runs[0].identity.key != one


def test_a_single_run_is_the_one_that_a_sweep_would_make(
    plan: MakePlan, composer: Composer
) -> None:
    words = ["model=tiny", "+idea=placebo", "baseline_seeds=3", "seed=7"]
    run = plan_single(composer(words), words, composer)
    assert run.identity == plan("+idea=placebo seed=5,7").runs[-1].identity
    assert (run.label, run.baseline_hash) == (
        "placebo seed 7",
        plan("seed=1").runs[0].identity.config_hash,
    )
    alone = plan_single(composer(words[:1]), words[:1], composer)
    assert alone.label == "baseline seed 42"
    alone = plan_single(composer([*words[:1], *words[2:]]), [*words[:1], *words[2:]], composer)
    assert alone.label == "baseline seed 7"  # and not one of the seeds that it draws on


def test_the_command_that_gives_a_verdict(plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    baseline, placebo = plan("+idea=placebo seed=1").runs
    end = "seed=42,137,256 -m"
    assert verdict_command(placebo) == f"python -m src.train model=tiny +idea=placebo {end}"
    monkeypatch.setattr("sys.argv", ["/bin/audition train", "seed=1"])
    assert verdict_command(baseline) == f"audition train model=tiny +idea=NAME {end}"
    monkeypatch.setattr("sys.argv", ["train.py", "seed=1", "--config-dir", "my/conf", "seed=2"])
    assert verdict_command(placebo).startswith(
        "python -m src.train --config-dir my/conf model=tiny +idea=placebo "
    )


def test_a_confirmation_is_judged_on_the_seeds_of_its_arms(plan: MakePlan) -> None:
    made = plan("+idea=placebo seed=512,1024 baseline_seeds=3")
    assert EveryRun().judged_on(made) == ()
    assert EveryRun(confirms=True).judged_on(made) == (512, 1024)


def test_hundreds_of_fresh_seeds_are_so_many_other_seeds() -> None:
    chosen = (42, 137, 256)
    for settings in (Tuning(fresh_seeds=999), SearchSettings(fresh_seeds=999)):
        fresh = settings.fresh(chosen)
        assert len(set(fresh) - set(chosen)) == len(fresh) == 999


def test_what_is_claimed_is_in_the_plan_and_frees_the_length_of_the_training(
    plan: MakePlan,
) -> None:
    line = "optimizer=muon,sgd budget.tokens=4000 seed=1"
    with pytest.raises(AuditionError, match="trains for budget"):
        plan("budget.tokens=1_000_000,2000 seed=1")
    made = plan("optimizer=adamw,muon budget.tokens=1_000_000,2000 claim.cost=tokens seed=1")
    (claim,) = announcement(made).claims
    hashes = dict(made.arms())
    assert claim.arms == tuple(hashes.values())
    muon = tuple(config for name, config in hashes.items() if "muon" in name)
    assert claim.ladders == (muon,)  # adamw at its full length is the baseline
    assert all(claim.frees_budget(each) for each in claim.arms)

    made = plan(
        f"{line} claim.cost=[parameters,train_seconds] claim.k=[3,2] claim.delta=0.02 "
        "claim.arms=['optimizer=muon'] claim.control='optimizer=sgd'"
    )
    hashes = dict(made.arms())
    found = announcement(made).claims
    assert [(each.cost, each.k, each.delta) for each in found] == [
        ("parameters", 3.0, 0.02),
        ("train_seconds", 2.0, 0.02),
    ]
    assert {(each.arms, each.controls) for each in found} == {
        ((hashes["optimizer=muon"],), (hashes["optimizer=sgd"],))
    }
    off = "claim.arms=['optimizer=soap'] claim.control='optimizer=soap' claim.k=3"
    assert announcement(plan(f"{line} claim.cost=none {off}")).claims == ()
    same = plan(line)
    assert [run.identity.key for run in same.runs] == [run.identity.key for run in made.runs]
    assert announcement(same).claims == ()


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ("claim.cost=bytes", "claim.cost=bytes is not a cost"),
        ("claim.cost=tokens claim.k=0", "claim.k=0 is out of range: it must be > 0"),
        ("claim.cost=tokens claim.k=-2.0", "claim.k=-2.0 is out of range: it must be > 0"),
        ("claim.cost=tokens claim.k=[2,3]", "has 2 factors, and claim.cost 1"),
        ("claim.cost=[tokens,tokens]", "names a cost twice"),
        ("claim.cost=tokens claim.delta=0", "claim.delta=0 is out of range"),
        ("claim.k=3", "claim.k is part of a claim, and claim.cost names no cost"),
        ("claim.cost=tokens claim.arms=['optimizer=mun']", "claim.arms: the sweep has no arm"),
        ("claim.cost=tokens claim.control='model.width=8'", "claim.control: the sweep has no arm"),
        (
            "claim.cost=tokens claim.arms=['optimizer=muon'] claim.control='optimizer=muon'",
            "'optimizer=muon' is one of claim.arms, and cannot be both",
        ),
    ],
)
def test_a_claim_that_cannot_be_made_is_told_before_the_first_run(
    plan: MakePlan, claim: str, said: str
) -> None:
    with pytest.raises(AuditionError, match=re.escape(said)):
        announcement(plan(f"optimizer=muon,sgd budget.tokens=4000 seed=1 {claim}"))
