"""Commands that cannot be carried out, by their kinds: one sentence each, exit code 2, nothing done.

They are run in this process, with nothing trained: a run that begins is the failure of a test. What
lies below `hydra.`, searches, races and seeds has its own table (`test_plans`, `test_search`).
"""

import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from held import held
from standins import few_modules

from audition.cli import train
from audition.config.members import names
from audition.sweep import compose, executors, sweeper
from audition.sweep.layers import Layers
from audition.sweep.pool import Job, PoolSettings
from audition.sweep.search import search as searching
from audition.training import rehearsal

FIRST_TIME = "audition: the text is made into tokens, once for all runs\n"
SMALL = ("model=tiny", "model.context=16", "data.evaluation_tokens=512", "budget.steps=5")


class InThisProcess:
    """What a warm server is asked before the first run."""

    def do(self, entry: str, job: Job) -> int:
        assert entry == "audition.training.rehearsal:work"
        return rehearsal.work(job.payload, None)


@contextmanager
def warm(settings: PoolSettings) -> Iterator[InThisProcess]:
    yield InThisProcess()


def begun(*arguments: Any, **named: Any) -> None:
    pytest.fail("a run was begun")


@pytest.fixture(scope="module")
def learnt() -> dict[str, dict[Any, Any]]:
    """Which files make which kind of command line: learnt by one command, and known to the next."""
    return {"_known": {}, "_files": {}}


PICTURES = ("task=stream", "task=mixture", "task=episodes")
"""First words of a line whose data have no tokens."""


@pytest.fixture
def told(
    tmp_path: Path,
    cache_dir: str,
    learnt: dict[str, dict[Any, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[[Sequence[str]], str]]:
    """The one sentence that the training door answers some words with."""
    for module in (train, sweeper, searching):
        monkeypatch.setattr(module, "freeze", lambda: None)
    monkeypatch.setattr(executors, "warm", warm)
    monkeypatch.setattr("audition.training.run.perform", begun)
    monkeypatch.setattr("audition.sweep.local.run_pool", begun)
    monkeypatch.setattr(executors.HydraExecutor, "train", begun)
    few_modules(monkeypatch)
    for name in ("HYDRA_FULL_ERROR", "NO_SUCH", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TEN", "10")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    ledger = tmp_path / "ledger"

    def ask(words: Sequence[str]) -> str:
        where = (f"paths.output_dir={ledger}", f"paths.cache_dir={cache_dir}")
        small = () if words[0].startswith(PICTURES) else SMALL
        monkeypatch.setattr(sys, "argv", ["src/train.py", *where, *small, *words])
        own = any("--config" in word or "searchpath" in word for word in words)
        monkeypatch.setattr(compose, "Layers", Layers if own else partial(Layers, **learnt))
        with pytest.raises(SystemExit) as left:
            train.main()
        out, err = capsys.readouterr()
        err = err.replace(FIRST_TIME, "")
        assert left.value.code == 2, err
        assert out == ""
        assert err.count("\n") == 1
        assert err.startswith("audition: ")
        assert not list(ledger.rglob("*.json")), "something was registered or filed"
        assert sorted(path.name for path in tmp_path.iterdir() if path != ledger) == ["home"]
        return err.removeprefix("audition: ").rstrip("\n")

    with held():
        yield ask


MEMBERS = {group: ", ".join(names(group)) for group in ("optimizer", "schedule", "logger")}
KINDS: dict[str, list[tuple[str, str]]] = {
    "names that become paths or forge": [
        ("arm.name=../../escaped", "arm.name='../../escaped' is for a sweep to tell"),
        ("arm.name=spectral_gate", "arm.name='spectral_gate' is for a sweep to tell"),
        ("++arm.name=x", "arm.name='x' is for a sweep"),
        ("arm.name=x seed=1,2 -m", "arm.name='x' is for a sweep"),
        ("arm.baseline=0123456789abcdef", "arm.baseline='0123456789abcdef' is for a sweep"),
        ("arm.device=cuda", "arm.device='cuda' is for a sweep"),
        ("arm.precision=audition.execution.Float32", "is for a sweep"),
        ("arm.config_hash=0123456789abcdef", "is for a sweep"),
        ("arm.plan=0123456789abcdef arm.name=placebo", "no plan in"),
        ("arm.plan=../../plans/x arm.name=placebo", "no plan in"),
        ("arm.plan=5", "arm.plan=5 is not text or null"),
        ("arm.foo=1", "unknown key 'arm.foo'; choose from: baseline,"),
        ("+arm.foo=1", "arm.foo=1 is not text or null"),
        ("arm=5", "arm=5 is not a mapping of names"),
        ("~arm", "there is no arm, and a run needs it"),
        ("\"baseline='arm.name=x'\" +idea=placebo -m", "arm.name decides where runs are filed"),
    ],
    "sweeps that make no arm, or ask another question": [
        (
            "logger=tensorboard,wandb -m",
            "logger decides how runs are watched, so its values make no",
        ),
        ("paths.output_dir=a,b -m", "paths.output_dir decides where runs are filed"),
        ("paths.cache_dir=a,b -m", "paths.cache_dir decides where runs are filed"),
        ("energy=off,codecarbon -m", "energy decides how runs are watched"),
        ("checkpoint.minutes=1,2 -m", "checkpoint.minutes decides how runs are watched"),
        ("allowed_targets=[audition.],[torch.] -m", "allowed_targets decides what is said"),
        ("hparams_search=sgd_optuna,muon_optuna -m", "hparams_search chooses one search"),
        ("tuning.trials=3,5 -m", "tuning.trials decides which runs are made and compared"),
        ("submit=wait,detach -m", "submit decides which runs are made"),
        *(
            (f"{how} hydra.sweeper.confirm=true -m", "judge on fresh seeds of their own")
            for how in (
                "+idea=placebo tune=optimizer.lr",
                "+idea=placebo hydra/sweeper=race",
                "hparams_search=adamw_optuna",
            )
        ),
        ("baseline_seeds=3,5 -m", "baseline_seeds decides which runs are made"),
        ("arm.name=a,b -m", "arm.name decides where runs are filed"),
        ("metric=val_loss,val_bpb -m", "metric decides which runs are made and compared"),
        ("budget.steps=2,3 -m", "'budget.steps=2' trains for budget.steps=2 and the baseline for"),
        ("budget.steps=null budget.tokens=1e3,1e4 -m", "trains for budget.tokens=1000 and"),
        ("+idea=placebo tune=budget.steps -m", "tune=budget.steps would compare runs of unlike"),
        ("+idea=placebo tune=optimizer.lr,budget.tokens -m", "tune=budget.tokens would compare"),
        ("+idea=placebo tune=paths.output_dir -m", "tune=paths.output_dir decides no number"),
        ("+idea=placebo tune=data.context -m", "is evaluated on other held-out data"),
        ("data.context=8,16 -m", "'data.context=8' is evaluated on other held-out data"),
        ("data=shakespeare,stdlib -m", "'data=stdlib' is evaluated on other held-out data"),
        ("execution.threads=1,2 -m", "'execution.threads=2' computes with execution.threads=2"),
        ("execution.device=cpu,cuda -m", "computes with execution.device=cuda and the baseline"),
        ("+idea=placebo \"baseline='budget.steps=7'\" -m", "the baseline for budget.steps=7"),
        ("+idea=placebo +idea=spectral_gate -m", "+idea is given twice: +idea=[a,b] makes one arm"),
        ("+idea=placebo +idea=spectral_gate", "+idea is given twice: +idea=[a,b] makes one arm"),
        ("+idea=placebo +idea=placebo", "+idea is given twice"),
        ("optimizer.lr=interval(0,1) -m", "a search over an interval, not a sweep"),
        ("optimizer.lr=1e-3,2e-3", "names several values where one is wanted"),
        ("optimizer.lr=1e-3,1e-3 -m", "are one and the same: drop one"),
        ("hydra.launcher.workers=1,2 -m", "Sweeping over Hydra's configuration is not supported"),
    ],
    "infinities, not-a-number, and numbers out of range": [
        ("optimizer.lr=inf", "optimizer.lr=inf is out of range: it must be finite and >= 0"),
        ("optimizer.lr=-inf", "optimizer.lr=-inf is out of range"),
        ("optimizer.lr=1e400", "optimizer.lr=inf is out of range"),
        ("optimizer.lr=nan", "optimizer.lr=nan is out of range"),
        ("optimizer.lr=1e-3,inf -m", "optimizer.lr=inf is out of range"),
        ("optimizer.weight_decay=inf", "optimizer.weight_decay=inf is out of range"),
        ("optimizer.eps=0", "optimizer.eps=0 is out of range: it must be > 0"),
        (
            "optimizer.betas=[0.9,1.0]",
            "optimizer.betas[1]=1.0 is out of range: it must be >= 0 and",
        ),
        ("optimizer.betas=[0.9]", "optimizer.betas=[0.9] has length 1"),
        ("optimizer.betas=[nan,0.9]", "optimizer.betas[0]=nan is out of range"),
        ("optimizer=muon optimizer.ns_coefficients=[1,2,inf]", "ns_coefficients[2]=inf"),
        (
            "optimizer=muon optimizer.adamw_betas=[0.9,2]",
            "optimizer.adamw_betas[1]=2 is out of range",
        ),
        ("budget.steps=null budget.minutes=inf", "budget.minutes=inf is out of range"),
        ("budget.steps=inf", "budget.steps=inf is out of range"),
        ("budget.steps=5.5", "budget.steps=5.5 is not a whole number"),
        ("budget.steps=0", "budget.steps=0 is out of range"),
        ("budget.steps=null budget.tokens=nan", "budget.tokens=nan is out of range"),
        ("training.clip=nan", "training.clip=nan is out of range"),
        ("training.clip=inf", "training.clip=inf is out of range"),
        ("training.evaluations=1e400", "training.evaluations=inf is out of range"),
        ("checkpoint.minutes=inf", "checkpoint.minutes=inf is out of range"),
        ("tuning.factor=inf", "tuning.factor=inf is out of range"),
        ("tuning.fresh_seeds=1001", "tuning.fresh_seeds=1001 is out of range: it must be > 1 and"),
        ("model.dropout=nan", "model.dropout=nan is out of range"),
        ("model.dropout=1", "model.dropout=1 is out of range"),
        ("schedule.final=inf", "schedule.final=inf is out of range"),
        ("loss.label_smoothing=-inf", "loss.label_smoothing=-inf is out of range"),
        ("norm.eps=inf", "norm.eps=inf is out of range"),
        ("preset=saturation_limiter effects.limiter.ceiling=nan", "ceiling=nan is out of range"),
        ("preset=saturation_limiter effects.limiter.floor=inf", "floor=inf is out of range"),
        ("preset=saturation_limiter effects.limiter.wet=inf", "wet=inf is out of range"),
        ("preset=saturation_limiter effects.limiter.wet=1.5", "wet=1.5 is out of range"),
        ("+idea=spectral_gate ideas.spectral_gate.rho=inf", "rho=inf is out of range"),
        ("apoptosis=functional_preservation apoptosis.timetable.interval=inf", "interval=inf"),
        ("optimizer.lr=true", "optimizer.lr=true is not a number"),
        ("optimizer.lr=[1]", "optimizer.lr=[1] is not a number"),
        ("optimizer.lr={a:1}", "optimizer.lr"),
        ("optimizer.lr=null", "optimizer.lr=null is not a number"),
    ],
    "groups, sections and values removed, null or of another shape": [
        ("~seed", "there is no seed, and a run needs it: leave ~seed out"),
        ("~seed -m", "there is no seed, and a run needs it"),
        ("~budget", "there is no budget, and a run needs it: set one of its settings, budget.ep"),
        ("~training", "there is no training"),
        ("~execution", "there is no execution"),
        ("~paths", "there is no paths"),
        ("~checkpoint", "there is no checkpoint"),
        ("~tuning", "there is no tuning"),
        ("~allowed_targets", "there is no allowed_targets"),
        ("~submit", "there is no submit"),
        ("~model", "unknown key 'model'"),
        ("~data", "data has no _target_"),
        (
            "~optimizer",
            "there is no optimizer, and a run needs it: name one, optimizer=NAME; choose",
        ),
        ("~schedule", "there is no schedule"),
        ("~loss -m", "there is no loss"),
        ("~energy", "there is no energy"),
        ("~precision", "there is no precision"),
        ("~apoptosis seed=1,2 -m", "there is no apoptosis"),
        ("~logger", "there is no logger to take out"),
        ("~optimizer.lrr", "there is no optimizer.lrr to take out"),
        ("~optimizer=sgd", "there is no optimizer=sgd to take out"),
        ("model=null", "model=null is not a name; choose from: "),
        ("optimizer=null", f"optimizer=null is not a name; choose from: {MEMBERS['optimizer']}"),
        ("optimizer=adamw,null -m", "optimizer=adamw,null is not a name"),
        ("schedule=7", f"schedule=7 is not a name; choose from: {MEMBERS['schedule']}"),
        ("logger=true", f"logger=true is not a name; choose from: {MEMBERS['logger']}"),
        ("logger=[tensorboard,5]", "logger=[tensorboard,5] is not a name"),
        (
            "optimizer=[adamw,muon]",
            "names several, and a run has one: optimizer=adamw,muon with -m",
        ),
        ("hydra/launcher=null -m", "hydra/launcher=null is not a name"),
        ("\"baseline='optimizer=null'\" +idea=placebo -m", "must be a string or a list"),
        ("budget=5", "budget=5 is not a section but one value: set one of its settings, budget.ep"),
        ("training=null", "there is no training, and a run needs it: set one of its settings"),
        ("execution=cpu", "execution='cpu' is not a section but one value"),
        ("paths=/tmp", "paths='/tmp' is not a section but one value"),
        ("checkpoint=[1]", "checkpoint cannot hold a list, or the keys of a mapping"),
        ("allowed_targets=7", "allowed_targets=7 is not a list"),
        ("allowed_targets=audition", "allowed_targets='audition' is not a list"),
        ("allowed_targets=[5]", "allowed_targets[0]=5 is not text"),
        ("+ideas=5", "ideas=5 is no mapping of names to parts"),
        ("+ideas.x=5", "ideas.x=5 is not a part"),
        ("+ideas.x.y=5", "ideas.x has no _target_"),
        ("effects=5", "effects=5"),
        ("+cards=3", "cards=3 is not a mapping of names"),
        ("+cards.x=3", "there is a card of 'x' but no idea of that name"),
        ("submit=later", "submit='later' is not one of the choices; choose from: detach, wait"),
        ("baseline=5", "baseline=5 is not text or null"),
        ("baseline_seeds=0", "baseline_seeds=0 is out of range"),
        ("baseline_seeds=x -m", "baseline_seeds='x' is not a whole number or null"),
        ("metric=[a]", "metric=['a'] is not text or null"),
        ("+optimizer.betas.x=1", "+optimizer.betas.x=1: "),
        ("loss.label_smoothing=${budget}", "loss.label_smoothing={'tokens': "),
        ("hydra.sweeper=5", "hydra.sweeper=5 is no sweeper: name one"),
        ("hydra/sweeper=race", "hydra/sweeper=race is for sweeps: add -m"),
        ("hydra/sweeper=search", "hydra/sweeper=search is for sweeps: add -m"),
        ("tune=optimizer.lr", "tune= compares arms, which is a sweep: add -m"),
        ("budget=${nope}", "budget: its value is taken from nope, which"),
    ],
    "a part of another kind": [
        (
            "norm._target_=audition.parts.schedule.constant.Constant",
            "is a part of schedule, not of norm; ch",
        ),
        (
            "optimizer._target_=audition.parts.schedule.cosine.Cosine",
            "is a part of schedule, not of optim",
        ),
        ("model._target_=audition.parts.norm.layernorm.LayerNorm", "is a part of norm, not of mod"),
        ("schedule._target_=audition.parts.optim.adamw.AdamW", "is a part of optimizer, not of"),
        (
            "loss._target_=audition.parts.schedule.constant.Constant -m",
            "is a part of schedule, not of loss",
        ),
        ("data._target_=audition.parts.optim.adamw.AdamW", "is a part of optimizer, not of data"),
        ("apoptosis._target_=audition.apoptosis.fitness.random.Random", "not of apoptosis; choose"),
        ("+idea=placebo ideas.placebo._target_=audition.effects.ema.EMA", "is a part of preset, n"),
        ("+effects.x._target_=audition.trackers.wandb.Wandb", "is a part of logger, not of preset"),
        (
            "energy._target_=audition.trackers.tracker.Tracker",
            "cannot be put together (TypeError: ",
        ),
        ("precision._target_=audition.execution.Execution", "cannot be put together (TypeError: "),
        ("optimizer._target_=os.system", "is not allowed: it must be in audition"),
        (
            "optimizer._target_=audition.parts.optim.nope.X",
            "does not exist: audition.parts.optim has",
        ),
        ("optimizer._target_=audition.parts.optim.adamw", "is a module where a class or function"),
        ("optimizer._target_=5", "optimizer._target_=5 is not a dotted name"),
        ("optimizer._target_=null", "optimizer has no _target_"),
        ("+optimizer._partial_=true", "optimizer._partial_ is not used here"),
        ("allowed_targets=[argparse] optimizer._target_=argparse.ArgumentParser", "is not allowed"),
    ],
    "values that only the part refuses": [
        ("model.heads=3", "width=32 cannot be split over heads=3: it must divide"),
        ("model.heads=2,3 -m", "arm 'model.heads=3': width=32 cannot be split over heads=3"),
        ("attention=grouped", "heads=2 cannot share kv_heads=4: it must divide"),
        ("attention=grouped attention.kv_heads=3", "heads=2 cannot share kv_heads=3: it must"),
        ("attention=causal,grouped seed=1,2 -m", "arm 'attention=grouped': heads=2 cannot share"),
        ("model.vocab=3", "vocab=3 is smaller than the data's"),
        ("execution.accumulate=3", "execution.accumulate=3 does not divide the 8 rows"),
        (
            "execution.accumulate=1,3 -m",
            "arm 'execution.accumulate=3': execution.accumulate=3 does",
        ),
        ("parallel=ddp parallel.processes=3", "cannot be shared equally by parallel.processes=3"),
        ("optimizer=sgd optimizer.momentum=0", "nesterov=true looks ahead along a momentum"),
        (
            "optimizer=adamw,sgd \"baseline='optimizer=sgd optimizer.momentum=0'\" -m",
            "nesterov=true",
        ),
        ("data.batch_size=10000000", "data.batch_size=10000000 is more than the"),
        ("data.evaluation_tokens=3", "data.evaluation_tokens=3 is less than one window"),
        ("data.vocab_size=300", "data.vocab_size=300 has no meaning"),
        ("data.tokenizer=bpe", "data.tokenizer=bpe needs data.vocab_size"),
        ("+idea=spectral_gate data.batch_size=3", "a batch of 3 rows cannot be split into 2 equal"),
        (
            "+idea=placebo,spectral_gate data.batch_size=3 -m",
            "arm 'spectral_gate': a batch of 3 rows",
        ),
        ("budget.minutes=1", "budget.steps=5 and budget.minutes=1 are both set"),
    ],
    "seeds": [
        ("seed=007", "seed=007 is not a seed: it must be a whole number from 0 up, without zeros"),
        ("seed=007,8 -m", "seed=007 is not a seed"),
        ("seed=1,1.5 -m", "seed=1.5 is not a seed"),
        ("seed=-1", "seed=-1 is not a seed"),
        ("seed=1e3", "seed=1e3 is not a seed"),
        ("seed=true", "seed=true is not a seed"),
        ("seed=null", "seed=null is not a seed"),
        ("seed=[1,2]", "seed=[1,2] is not a seed"),
        ("seed=99999999999999999999", "seed=99999999999999999999 is not a seed"),
        ("seed=${oc.env:HOME}", "is not a seed: it must be a whole number"),
        ("seed=${oc.env:NO_SUCH}", "seed: there is no environment variable NO_SUCH"),
        ("seed=1,${oc.env:TEN} -m", "is not a seed"),
        ("+seed=3", "seed has a value already: set it without the plus"),
        (
            "seed=1,2",
            "seed=1,2 names several values where one is wanted: a sweep over them needs -m",
        ),
    ],
    "paths": [
        ("paths.output_dir=~/runs", "~ needs quotes, \"paths.output_dir='~/runs'\""),
        ("\"paths.output_dir='~nobody-here/x'\"", "this machine has no home folder ~nobody-here"),
        ("\"data.cache_dir='~nobody-here/x'\" -m", "this machine has no home folder ~nobody-here"),
        ("data=tiny_shakespeare \"data.path='~/text'\"", "home/text cannot be read: No such file"),
        ("data=tiny_shakespeare", "data.path is missing: give it as data.path=..."),
        ("paths.output_dir=", "paths.output_dir= is empty: give a path"),
        ("paths.cache_dir= -m", "paths.cache_dir= is empty: give a path"),
        ("paths.output_dir=5", "paths.output_dir=5 is not text"),
        ("+paths.foo=1", "paths.foo is not a setting of audition.config.root.Paths"),
        ("hydra.job.chdir=true", "hydra.job.chdir=true would move the runs"),
        ("hydra.job.chdir=true -m", "hydra.job.chdir=true would move the runs"),
    ],
    "words that Hydra cannot read": [
        ("optimizer.lr=ä", "ä needs quotes, \"optimizer.lr='ä'\""),
        ("optimizer.lr=实", "实 needs quotes"),
        ("optimizer.lr=#", "# needs quotes"),
        ("data.path=it\\'s", "' needs quotes"),
        ("data.path=a!b -m", "! needs quotes"),
        ("ä=5", "ä cannot stand in a key"),
        ("optimizer.lr", "it must be KEY=VALUE"),
        ("=5", "it must be KEY=VALUE"),
        ("optimizer.betas=[0.9,0.99", "[ and ] are not as many"),
        ("--foo", "there is no flag '--foo'"),
        ("-x", "there is no flag '-x'"),
        ("--config-name", "expected one argument"),
        ("--config-name nope", "there is no config nope.yaml: leave --config-name out"),
        ("--config-dir nope", "nope' not found"),
        ("--config-path nope", "nope"),
        ("--cfg everything", "invalid choice: 'everything'"),
        ("--cfg job -m", "--cfg and --multirun exclude each other"),
        ("--resolve", "--resolve says how --cfg is shown"),
        ("--experimental-rerun x", "--experimental-rerun has nothing to read here"),
    ],
    "keys, names and interpolations that are not there": [
        ("optmizer=muon", "unknown key 'optmizer'; did you mean 'optimizer'?"),
        ("+optmizer=muon", "unknown key 'optmizer'; did you mean 'optimizer'?"),
        ("++optimizer.lrr=1", "optimizer.lrr is not a setting of"),
        ("++nope.x=1", "unknown key 'nope'"),
        ("+optimizer=muon", "optimizer is chosen already"),
        ("++optimizer=muon", "force-add of config groups is not supported"),
        ("+optimizer@foo=adamw", "unknown key 'foo'"),
        ("optimizer=moun", "unknown optimizer 'moun'; did you mean 'muon'?"),
        ("experiment=[none,nope]", "unknown experiment 'nope'"),
        ("debug=nope", "unknown debug 'nope'"),
        ("+idea=nope", "unknown idea 'nope'"),
        ("idea=placebo", "unknown key 'idea': an idea is added with a plus"),
        ("sweeps=first_look", "sweeps is added with a plus: +sweeps=first_look"),
        ("evaluator=[nope]", "unknown evaluator 'nope'"),
        ("evaluator=[top_k,top_k]", "evaluator=[top_k,top_k] names 'top_k' twice: once is enough"),
        ("logger=[wandb,wandb] -m", "names 'wandb' twice: once is enough"),
        ("+idea=[placebo,placebo]", "names 'placebo' twice: once is enough"),
        ("effects.limiter.wet=0.5", "there are no effects, and preset=NAME adds some"),
        ("task=classification data=shakespeare", "task=classification asks for one class of every"),
        ("task=classification data=shakespeare -m", "asks for one class of every row"),
        (
            "task=stream training.evaluations=7 +idea=replay seed=1,2 -m",
            "training.evaluations=7 would miss the ends of task.phases=5: choose a multiple",
        ),
        ("task=stream task.phases=11", "task.phases=11 is more than the 10 classes of Digits"),
        ("task=mixture task.parts=3", "task.parts=3 is more than the 2 domains of TwoSets"),
        ("task=episodes task.ways=6", "task.ways=6 is more than the task.novel=5 classes"),
        ("task=episodes task.ways=6 seed=1,2 -m", "task.ways=6 is more than the task.novel=5"),
        ("metric=nope", "metric=nope is not measured in these runs; choose from:"),
        ("metric=nope +idea=placebo seed=1,2 -m", "metric=nope is not measured in these runs"),
        ("metric=val_accuracy", "metric=val_accuracy is not measured in these runs"),
        ("task=nope", "unknown task 'nope'"),
        ("optimizer.lr=${nope}", "optimizer.lr: its value is taken from nope, which"),
        ("optimizer.lr=${nope} -m", "optimizer.lr: its value is taken from nope, which"),
        ("optimizer.lr=${oc.env:NO_SUCH}", "there is no environment variable NO_SUCH"),
        ("optimizer.lr=${foo:1}", "optimizer.lr: Unsupported interpolation type foo"),
        ("optimizer.lr=${optimizer.lr}", "optimizer.lr: Recursive interpolation detected"),
        ("optimizer=${nope}", "Error resolving interpolation '${nope}'"),
        ('"baseline=\'\\"\'" -m', "cannot be read: No closing quotation"),
        ("\"baseline='nope=3'\" +idea=placebo -m", "unknown key 'nope'"),
        ("baseline=adamw +idea=placebo -m", "cannot read 'adamw': it must be KEY=VALUE"),
    ],
}


def known(group: str) -> str:
    """What a sentence offers for a group: every file that `conf/` has for it."""
    return ", ".join(names(group))


TYPED: list[tuple[str, list[str]]] = [
    (
        "+idea=spectral_gat seed=1,2 -m",
        ["unknown idea 'spectral_gat'", "did you mean 'spectral_gate'", known("idea")],
    ),
    (
        "optimizer=moun seed=1,2 -m",
        [
            f"unknown optimizer 'moun'; did you mean 'muon'? choose from: {known('optimizer')}",
        ],
    ),
    (
        "apoptosis=functional_preservation apoptosis/fitness=randm",
        [
            "unknown apoptosis/fitness 'randm'; did you mean 'random'? "
            f"choose from: {known('apoptosis/fitness')}"
        ],
    ),
    (
        "apoptosis/fitness=random",
        ["no apoptosis/fitness to choose: choose apoptosis=NAME first, one that is made of parts"],
    ),
    (
        "apoptosis=functional_preservation apoptosis.fitness=random",
        ["apoptosis.fitness='random' is not a Fitness: choose one by its group, …/fitness=NAME"],
    ),
    ("optmizer=muon seed=1,2 -m", ["unknown key 'optmizer'; did you mean 'optimizer'?"]),
    ("+optmizer=muon seed=1,2 -m", ["unknown key 'optmizer'; did you mean 'optimizer'?"]),
    (
        "+optimizer.lrr=1 seed=1,2 -m",
        ["optimizer.lrr", "did you mean 'lr'? choose from: betas, decay, eps, lr, weight_decay"],
    ),
    (
        "optimizer.lrr=1",
        ["'optimizer.lrr'; did you mean 'lr'? choose from: betas, decay, eps, lr, weight_decay"],
    ),
    ("optimizer.lr=-1 seed=1,2 -m", ["optimizer.lr=-1 is out of range: it must be >= 0"]),
    (
        "model.layers=100000 seed=1,2 -m",
        ["model.layers=100000 is out of range: it must be >= 1 and <= 1000"],
    ),
    ("optimizer.lr=fast", ["optimizer.lr='fast' is not a number"]),
    ("seed=1,2,1 -m", ["seed=1 is given twice"]),
    ("data.context=33", ["windows of 33 tokens do not fit a context of 16: data.context"]),
    ("seed=abc", ["seed=abc is not a seed: it must be a whole number from 0 up"]),
    ("seed=1,1.5 -m", ["seed=1.5 is not a seed"]),
    ("seed=1,2", ["seed=1,2 names several values", "-m"]),
    ("data=tiny_shakespeare seed=1,2 -m", ["data.path is missing: give it as data.path=..."]),
    ("data=tiny_shakespeare data.path=/nowhere/text", ["data.path=/nowhere/text cannot be read"]),
    ("budget.minutes=1 seed=1,2 -m", ["budget.steps=5 and budget.minutes=1 are both set"]),
    ("+sweeps=first_look", ["a campaign is a sweep: add -m"]),
    ("+idea=placebo tune=optimizer.lr", ["tune= compares arms, which is a sweep: add -m"]),
    ("+idea=placebo tune=sgd -m", ["tune=sgd is neither a key", "choose from: adamw_"]),
    ("+idea=placebo tune=optimizer.lrr -m", ["tune=optimizer.lrr: baseline has no such setting"]),
    ("+idea=placebo tune=optimizer.lr tuning.trials=1 -m", ["tuning.trials=1 is out of range"]),
    ("tune=optimizer.lr seed=1,2 -m", ["there is none: add +idea=..."]),
    (
        "+idea=placebo tune=optimizer.lr hydra/sweeper=race -m",
        ["tune= gives every arm the same trials", "use hydra/sweeper=audition"],
    ),
    ("+idea=placebo tune=optimizer.lr submit=detach -m", ["let this sweeper wait"]),
    (
        "hparams_search=sgd_optuna tune=optimizer.lr -m",
        ["tune=optimizer.lr and a search are two ways to tune: leave one out"],
    ),
    ("preset.limiter.ceiling=4", ["unknown key 'preset'", "effects.NAME.SETTING=VALUE"]),
    ("effects.limiter.ceiling=4", ["unknown key 'effects.limiter'", "preset=NAME chooses a chain"]),
    (
        "preset=saturation_limiter effects.limitr.ceiling=4",
        ["unknown key 'effects.limitr'; did you mean 'limiter'? choose from: limiter, saturation"],
    ),
    (
        "preset=saturation_limiter effects.limiter.wet=1.5 seed=1,2 -m",
        ["effects.limiter.wet=1.5 is out of range: it must be >= 0 and <= 1"],
    ),
    (
        "preset=saturation_limiter effects.limiter.wett=1",
        [
            "'effects.limiter.wett'; did you mean 'wet'? ",
            "choose from: bypass, ceiling, floor, lookahead, wet",
        ],
    ),
    ("effects.limiter.wet=0.5", ["unknown key 'effects.limiter': there are no effects"]),
    ("effects=saturation_limiter", ["preset=NAME chooses one"]),
    ("~effects.limiter", ["there is no effects.limiter to take out"]),
    ("+sweeps=fist_look -m", ["unknown sweeps 'fist_look'; did you mean 'first_look'?"]),
]
"""With what is said at several places of the sentence."""
ROWS = [
    pytest.param(line, said, id=line, marks=(pytest.mark.slow,) * (number % 3 > 0))
    for rows in (*({line: [said] for line, said in kind} for kind in KINDS.values()), dict(TYPED))
    for number, (line, said) in enumerate(rows.items())
]
"""Every third of each kind for CI; the others are slow."""


@pytest.mark.parametrize(("line", "said"), ROWS)
def test_one_sentence_and_nothing_done(
    told: Callable[[Sequence[str]], str], line: str, said: Sequence[str]
) -> None:
    sentence = told(shlex.split(line))
    assert [words for words in said if words not in sentence] == []


GLOBAL = "# @package _global_\n"
IDEA = f"""{GLOBAL}ideas:
  mine:
    _target_: audition.ideas.placebo.Placebo
    dose: {{dose}}
    {{more}}
"""


@pytest.mark.parametrize(
    ("group", "text", "said"),
    [
        ("idea", "ideas: [", "mine.yaml is not YAML: "),
        ("idea", "ideas:\n\tx: 1", "mine.yaml is not YAML: found character '\\t'"),
        (
            "idea",
            IDEA.format(dose="a", more=""),
            "idea 'mine' has no card: add `cards.mine.pitch`",
        ),
        ("idea", IDEA.format(dose="5", more=""), "ideas.mine.dose=5 is not text"),
        ("idea", IDEA.format(dose="a", more="amount: 2"), "ideas.mine.amount is not a setting of"),
        (
            "idea",
            "# @package _global_\ndefaults:\n  - override /optimizer: nope\n",
            "unknown optimizer 'nope'",
        ),
        (
            "optimizer",
            "_target_: audition.parts.optim.sgd.SGD\nbetas: [0, 0]\n",
            "optimizer.betas is",
        ),
        ("optimizer", "lr: 1\n", "optimizer has no _target_"),
        ("optimizer", "- a\n", "optimizer=['a'] is not a part but one value"),
        (
            "optimizer",
            "_target_: audition.parts.optim.sgd.SGD\nlr: .inf\n",
            "lr=inf is out of range",
        ),
        ("schedule", "_target_: audition.parts.optim.sgd.SGD\n", "is a part of optimizer, not of"),
    ],
)
def test_a_file_of_ones_own_that_does_not_fit(
    told: Callable[[Sequence[str]], str],
    tmp_path_factory: pytest.TempPathFactory,
    group: str,
    text: str,
    said: str,
) -> None:
    conf = tmp_path_factory.mktemp("own")
    (conf / group).mkdir()
    (conf / group / "mine.yaml").write_text(text)
    chosen = "+idea=mine" if group == "idea" else f"{group}=mine"
    for more in ([], ["seed=1,2", "-m"]):
        assert said in told(["--config-dir", str(conf), chosen, *more])


def test_a_campaign_where_there_are_none(
    told: Callable[[Sequence[str]], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for more in ([], ["-m"]):
        assert told(["+sweeps=nope", *more]) == (
            "there is no campaign 'nope': +sweeps=NAME reads sweeps/NAME.yaml, and there is no sweeps/ "
            f"in {tmp_path}"
        )
