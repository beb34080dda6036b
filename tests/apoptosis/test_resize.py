"""Layers that grow and shrink: the function, the optimizer, checkpoints, effects and the record."""

import shutil
from dataclasses import replace

import pytest
import torch
from tests.apoptosis.conftest import Growing, Shrinking, Turning
from torch import nn

from audition.apoptosis.strategy import Site
from audition.apoptosis.surgery import Weights, operate, resize
from audition.errors import AuditionError
from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.observers.metrics import Metrics
from audition.parts.initial import role_of
from audition.parts.stepping.moments import moments_of
from audition.recipe.batches import Clock
from audition.recipe.turnover import Event
from audition.recipe.units import Part, Units, sites
from audition.session import Unfit, begin
from audition.training.loop import train
from audition.training.step import probe_of
from audition.training.worker import facts

LAYER = "blocks.1.feedforward"
HIDDEN, WIDTH = 128, 32
PER_UNIT = 2 * WIDTH
CHANGE = {Growing: 3, Shrinking: -5, Turning: -2}


def proposed(strategy, job, session, view):
    """The events of a strategy now, and its state before and after."""
    probe = probe_of(job, session, 4)
    before = strategy.init(sites(session.model), session.params)
    with torch.no_grad():
        events, after = strategy.propose(probe, None, before, view)
    return events, before, after


def test_growth_by_splitting_keeps_the_logits(session_of, weights_to_cut, view_of, optimizer):
    job, session = session_of(optimizer, "model.bias=true")
    events, _, _ = proposed(Growing(), job, session, view_of(session, 1))
    model, inputs = session.model.eval(), session.batches.train(Clock(0)).inputs
    with torch.no_grad():
        before = model(inputs)
        operate(weights_to_cut(session), events)
        after = model(inputs)
        for units in sites(model).values():
            assert units.count == HIDDEN + 3
        session.params[f"{LAYER}.down.weight"][:, -3:] = 0.0
        assert not torch.allclose(model(inputs), before, atol=1e-5)  # the new ones do carry it
    assert torch.allclose(after, before, atol=1e-5)


def test_what_leaves_takes_nothing_else_along(session_of, weights_to_cut, view_of, optimizer):
    job, session = session_of(optimizer)
    events, _, _ = proposed(Shrinking(), job, session, view_of(session, 1))
    model, inputs = session.model.eval(), session.batches.train(Clock(0)).inputs
    stay = {e.site: torch.tensor(sorted({*range(HIDDEN)} - {*e.removed.tolist()})) for e in events}
    old = {name: p.detach().clone() for name, p in session.params.items()}
    state = session.optimizer.state
    moments = {
        name: {m.name: m.tensor.clone() for m in moments_of(session.optimizer, p)}
        for name, p in session.params.items()
    }
    steps = {n: {k for k in state[p] if k not in moments[n]} for n, p in session.params.items()}
    with torch.no_grad():
        operate(weights_to_cut(session), events)
        kept = model(inputs)
    for name, p in session.params.items():
        site = name.rsplit(".", 2)[0]
        axis = {"up.weight": 0, "down.weight": 1}.get(".".join(name.split(".")[-2:]))
        for key, before in {"weight": old[name], **moments[name]}.items():
            found = p if key == "weight" else state[p][key]
            if site in stay and axis is not None:
                before = before.index_select(axis, stay[site])
            assert torch.equal(found, before), f"{name} {key}"
        assert steps[name] <= state[p].keys()
    with torch.no_grad():  # the same as if they had only fallen silent
        whole = begin(job.recipe, job.seed, "cpu").model.eval()
        whole.load_state_dict({**old, "head.weight": old["embedding.weight"]})
        for e in events:
            whole.get_parameter(f"{e.site}.down.weight")[:, e.removed] = 0.0
        assert torch.allclose(whole(inputs), kept, atol=1e-6)


def test_a_parameter_of_another_size_is_another_everywhere(session_of, weights_to_cut, optimizer):
    _, session = session_of(optimizer, "model.bias=true")
    names = list(session.params)
    groups = [group["names"] for group in session.optimizer.param_groups]
    old = {name: session.params[name] for name in names if LAYER in name}
    roles = {name: (role_of(name, p), p.initial) for name, p in session.params.items()}
    resize(weights_to_cut(session), LAYER, HIDDEN + 7)
    assert list(session.params) == names
    assert dict(session.model.named_parameters()).keys() == session.params.keys()
    for name, p in session.model.named_parameters():
        assert session.params[name] is p
        assert (role_of(name, p), p.initial) == roles[name]
        for moment in moments_of(session.optimizer, p):
            assert moment.tensor.shape == p.shape
    changed = {n for n, p in old.items() if session.params[n] is not p}
    assert changed == {f"{LAYER}.up.weight", f"{LAYER}.up.bias", f"{LAYER}.down.weight"}
    held = [
        [next(n for n, p in session.params.items() if p is held) for held in group["params"]]
        for group in session.optimizer.param_groups
    ]
    assert held == groups
    assert not any(old[name] in session.optimizer.state for name in changed)
    module = session.model.get_submodule(LAYER)
    assert module.up.out_features == module.down.in_features == HIDDEN + 7


def test_one_event_grows_and_shrinks(session_of, weights_to_cut, view_of):
    job, session = session_of()
    events, _, state = proposed(Turning(), job, session, view_of(session, 1))
    up = session.params[f"{LAYER}.up.weight"].detach().clone()
    resizes = operate(weights_to_cut(session), events)
    assert [(r.site, r.count) for r in resizes] == [(e.site, HIDDEN - 2) for e in events]
    event, after = events[1], session.params[f"{LAYER}.up.weight"]
    stay = [j for j in range(HIDDEN) if j not in event.removed.tolist()]
    assert torch.equal(after[:-3], up[stay])
    assert torch.equal(after[-3:], up[event.parents.flatten()])
    assert state[LAYER].shape == (HIDDEN - 2,)
    assert event.carry(torch.arange(128.0), fresh=-1.0).tolist() == [*map(float, stay), -1, -1, -1]


@pytest.mark.parametrize(
    "overrides", [("optimizer=adamw",), ("optimizer=sgd",), ("optimizer=muon",)]
)
def test_a_run_trains_on_at_other_widths(job_of, with_strategy, resizing, overrides, tmp_path):
    job = with_strategy(job_of(*overrides), resizing)
    outcome = train(job, [Metrics(tmp_path, every=1)])
    assert outcome.status == "finished"
    widths = {name: units.count for name, units in sites(outcome.session.model).items()}
    assert set(widths.values()) == {HIDDEN + 2 * CHANGE[type(resizing)]}
    assert outcome.session.widths == widths
    plain = facts(train(job_of(*overrides)), {})
    found = facts(outcome, {})
    assert found["parameters"] - plain["parameters"] == 2 * 2 * CHANGE[type(resizing)] * PER_UNIT
    assert found["weights"] != plain["weights"]
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert sum('"apoptosis/removed"' in line for line in lines) == 2
    # The new columns are trained, not carried along.
    start = begin(job.recipe, job.seed, "cpu").params[f"{LAYER}.up.weight"]
    last = outcome.session.params[f"{LAYER}.up.weight"]
    assert not torch.isin(last[-1], start).any()


@pytest.mark.parametrize(
    "overrides",
    [
        ("optimizer=muon", "model.dropout=0.1"),
        ("preset=ema", "effects.ema.decay=0.5", "++effects.ema.wet=0.5"),
        ("+idea=spectral_gate", "ideas.spectral_gate.every=2"),
    ],
)
def test_stopped_and_resumed_is_uninterrupted(
    job_of, with_strategy, resizing, overrides, differences, tmp_path
):
    """Law 4: just after, between and behind the events that change widths."""
    job = with_strategy(job_of(*overrides), resizing)
    whole = train(job).session.snapshot()
    del whole["seconds"]
    for stop in (2, 3, 5):
        stopped = train(job, [Checkpoint(tmp_path)], interrupted=lambda s, stop=stop: s == stop)
        assert (stopped.status, stopped.session.step) == ("interrupted", stop)
        torch.manual_seed(0)
        resumed = train(job, resume=read_checkpoint(tmp_path / NAME, ""))
        assert resumed.status == "finished"
        parts = resumed.session.snapshot()
        del parts["seconds"]
        assert not differences(parts, whole), stop


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch compiles for a CPU with g++")
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_model_grows_and_is_looked_at(job_of, with_strategy):
    compiled, plain = (
        train(with_strategy(job_of(f"execution.compile={compiles}"), Growing()))
        for compiles in ("true", "false")
    )
    assert compiled.session.widths == plain.session.widths
    assert compiled.session.cost == plain.session.cost
    assert compiled.final["val/loss"] == pytest.approx(plain.final["val/loss"], rel=1e-4)


def test_a_model_of_another_width_is_still_another_model(job_of):
    wide = begin(job_of("feedforward.ratio=5").recipe, 42, "cpu")
    with pytest.raises(Unfit, match="other parameters"):
        begin(job_of().recipe, 42, "cpu").restore(wide.snapshot())


@pytest.mark.parametrize("setting", ["ema.decay=0.5", "tail_average.share=1"])
def test_the_mean_of_the_weights_grows_with_them(job_of, with_strategy, setting):
    """Evaluation at once after growth: new units enter the mean as they are."""
    name = setting.partition(".")[0]
    job = with_strategy(job_of(f"preset={name}", f"effects.{setting}"), Growing())
    session = train(job, interrupted=lambda step: step == 2).session
    mean = session.effects[name]["mean"]
    for name, p in session.params.items():
        assert mean[name].shape == p.shape
    assert torch.equal(mean[f"{LAYER}.up.weight"][-3:], session.params[f"{LAYER}.up.weight"][-3:])
    assert not torch.equal(mean[f"{LAYER}.up.weight"], session.params[f"{LAYER}.up.weight"])


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        ({"resize": 3}, "cannot have 3 after 0 left"),
        ({"resize": 0, "removed": torch.arange(HIDDEN)}, "cannot have 0 after 128 left"),
        ({"resize": 126, "removed": torch.tensor([1, 1])}, r"cannot be removed: \[1, 1\]"),
        ({"resize": 127, "removed": torch.tensor([HIDDEN])}, r"cannot be removed: \[128\]"),
    ],
)
def test_numbers_that_do_not_add_up_are_a_mistake(session_of, weights_to_cut, event, sentence):
    _, session = session_of()
    nobody = torch.empty(0, dtype=torch.int64)
    with pytest.raises(ValueError, match=sentence):
        operate(weights_to_cut(session), [Event(LAYER, nobody, nobody[:, None], **event)])


class Heads(nn.Module):
    """Two heads of three channels each: a unit is three rows, and cannot become more."""

    def __init__(self):
        super().__init__()
        self.values = nn.Parameter(torch.arange(24.0).view(6, 4))
        self.out = nn.Parameter(torch.arange(30.0).view(5, 6))

    def units(self):
        return Units(2, (Part("values", 0, "incoming", 3), Part("out", 1, "outgoing", 3)))


def test_a_unit_may_be_several_entries(view_of, session_of):
    model = nn.ModuleDict({"heads": Heads()})
    params = dict(model.named_parameters())
    _, session = session_of()
    view = replace(view_of(session), params=params)
    weights = Weights(model, params, torch.optim.SGD(params.values(), lr=0.1))
    from audition.apoptosis.heredity.functional_preservation import FunctionalPreservation

    site = Site("heads", sites(model)["heads"])
    event = FunctionalPreservation().replace(
        site, torch.tensor([1]), torch.tensor([1.0, 0.0]), None, view
    )
    values, out = (params[f"heads.{n}"].detach().clone() for n in ("values", "out"))
    operate(weights, [event])
    assert torch.equal(params["heads.values"], values[[0, 1, 2, 0, 1, 2]])
    after, share = params["heads.out"], event.facts["alpha"]
    assert torch.allclose(after[:, 3:], out[:, :3] * share)
    assert torch.allclose(after[:, :3] + after[:, 3:], out[:, :3])


def test_a_module_that_cannot_be_resized_says_so():
    model = nn.ModuleDict({"heads": Heads()})
    params = dict(model.named_parameters())
    weights = Weights(model, params, torch.optim.SGD(params.values(), lr=0.1))
    with pytest.raises(AuditionError, match="heads cannot be resized: its Heads has no method"):
        resize(weights, "heads", 3)


def test_tied_weights_stay_tied():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = nn.Parameter(torch.randn(4, 3))
            self.twin = self.up

        def units(self):
            return Units(4, (Part("up", 0, "incoming"),))

        def resized(self, count):
            pass

    model = nn.ModuleDict({"tied": Tied()})
    params = dict(model.named_parameters())
    weights = Weights(model, params, torch.optim.SGD(params.values(), lr=0.1))
    resize(weights, "tied", 2)
    assert model["tied"].twin is model["tied"].up is params["tied.up"]
    assert params["tied.up"].shape == (2, 3)
