"""Learners of streams: replay, ewc, l2, generative replay, joint; each at its limits."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from audition.data.phases import Phases
from audition.errors import AuditionError
from audition.parts.consolidation import Consolidation, begins, fisher
from audition.recipe.batches import Clock
from audition.recipe.problem import Problem
from audition.recipe.streams import Streams
from audition.session import begin
from audition.training.loop import train

STREAM = ("task=stream", "data.batch_size=8", "budget.steps=10", "precision=fp32", "model.width=16")
LEARNERS = {
    "replay": ("memory=10",),
    "ewc": ("rows=8",),
    "l2": (),
    "generative_replay": ("steps=3", "width=8"),
}


def of(name, *more):
    return (f"+idea={name}", *(f"ideas.{name}.{each}" for each in (*LEARNERS[name], *more)))


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_changes_nothing_before_the_second_phase(name, job_of, weights_of, differences):
    ours, naive = (job_of(*words, base=STREAM) for words in (of(name), ()))
    first = [train(j, interrupted=lambda step: step == 2) for j in (ours, naive)]
    assert not differences(*map(weights_of, first))
    both = [train(j) for j in (ours, naive)]
    assert differences(*map(weights_of, both))


@pytest.mark.parametrize("name", LEARNERS)
def test_one_phase_is_the_plain_task(name, job_of, weights_of, differences):
    one = train(job_of(*of(name), "task.phases=1", base=STREAM))
    plain = train(job_of(base=("experiment=digits", "model=mlp", *STREAM[1:])))
    assert not differences(weights_of(one), weights_of(plain))


@pytest.mark.parametrize("name", [*LEARNERS, "joint"])
def test_data_without_phases_are_refused(name, job_of):
    job = job_of(f"+idea={name}", base=("experiment=digits",))
    with pytest.raises(AuditionError, match=f"{name} is for phases .* choose task=stream"):
        begin(job.recipe, 42, "cpu")


@pytest.mark.parametrize("scenario", ["class", "task"])
def test_joint_training_is_the_plain_task(job_of, weights_of, differences, scenario):
    joint = train(job_of("+idea=joint", f"task.scenario={scenario}", base=STREAM))
    plain = train(job_of(base=("experiment=digits", "model=mlp", *STREAM[1:])))
    if scenario == "class":
        assert not differences(weights_of(joint), weights_of(plain))
        assert joint.final["val/loss"] == plain.final["val/loss"]
    else:  # the same rows, of which each has the answers of its phase
        batch = joint.session.batches.train(Clock(0, 10))
        theirs = plain.session.batches.train(Clock(0, 10))
        assert torch.equal(batch.inputs, theirs.inputs)
        assert batch.allowed.sum(1).tolist() == [2] * 8
        assert batch.allowed.gather(1, batch.targets[:, None]).all()


@pytest.mark.usefixtures("few_documents")
def test_joint_training_of_texts_is_the_mixture(job_of, weights_of, differences):
    small = ("model=tiny", "model.context=16", "data.batch_size=4", "data.evaluation_tokens=512")
    words = (*small, "data.vocab_size=300", "budget.steps=4", "precision=fp32")
    joint = train(job_of("+idea=joint", base=("task=stream_text", *words)))
    mixture = train(job_of(base=("data=two_domains", *words)))
    assert not differences(weights_of(joint), weights_of(mixture))
    assert joint.final["val/loss"] == mixture.final["val/loss"]


def test_the_memory_is_of_rows_that_earlier_phases_trained_on(job_of):
    batches = begin(job_of(*of("replay"), "budget.steps=50", base=STREAM).recipe, 42, "cpu").batches
    plain = begin(job_of("budget.steps=50", base=STREAM).recipe, 42, "cpu").batches
    for step in range(50):
        ours, theirs = batches.train(Clock(step, 50)), plain.train(Clock(step, 50))
        phase = step // 10
        assert ours.rows == theirs.rows
        earlier = ours.groups < phase
        assert earlier.sum() == (4 if phase else 0)
        assert set(ours.ids[~earlier].tolist()) <= set(theirs.ids.tolist())
        for group, target in zip(ours.groups.tolist(), ours.targets.tolist(), strict=True):
            assert str(target) in batches.phases.names[group]
    memory = batches._memory(4)
    counts = memory.targets.bincount(minlength=10)
    assert sorted(counts.tolist()) == [0, 0, *[10] * 8]
    assert len(memory.ids.unique()) == 80
    held_out = torch.cat([b.ids for b in batches.held_out()])
    assert not set(memory.ids.tolist()) & set(held_out.tolist())


def test_replay_keeps_what_naive_training_forgets(job_of):
    words = ("budget.steps=150", "data.batch_size=32", "model.width=64")
    naive, replay = (
        train(job_of(*arm, *words, base=STREAM)).final for arm in ((), ("+idea=replay",))
    )
    assert replay["val/accuracy"] > naive["val/accuracy"] + 20
    assert replay["val/forgetting"] < naive["val/forgetting"] - 30
    assert naive["val/learning"] > 60


class Counted:
    """A stand-in for phases: one phase of rows given by hand, then another."""

    def __init__(self, batch):
        self.batch = batch

    def train(self, clock):
        return self.batch


def test_fisher_is_that_of_each_row_with_labels_of_the_model(job_of):
    """For a linear softmax classifier of one input it is known: E_y (∂ log p / ∂w)² = p (1 - p) x²."""
    model = torch.nn.Linear(1, 2, bias=False)
    torch.nn.init.constant_(model.weight[:1], 0.7)
    batch = begin(job_of(base=STREAM).recipe, 42, "cpu").batches.train(Clock(0, 10))
    x = torch.linspace(-2, 2, 400)[:, None]
    rows = replace(
        batch, inputs=x, targets=torch.zeros(400, dtype=torch.int64), ids=batch.ids, groups=x[:, 0]
    )
    problem = Problem(model, dict(model.named_parameters()), None, rows, clock=Clock(5, 10))
    found, cost = fisher(problem, Counted(rows), 4000, torch.Generator().manual_seed(1))
    p = model(x).softmax(-1)[:, 0].detach()
    expected = (p * (1 - p) * x[:, 0].square()).mean()
    assert found["weight"].flatten().tolist() == pytest.approx([float(expected)] * 2, rel=0.1)
    assert cost.forward == cost.backward == 5  # of ten batches asked for, five had been trained on
    assert model.weight.grad is None


def test_the_pull_is_the_gradient_of_the_penalty(job_of):
    """F = 1: λ (w - w*); two phases of F: λ Σ F (w - w*)."""
    recipe = job_of(base=STREAM).recipe
    phases = recipe.data(Streams(42))
    assert isinstance(phases, Phases)
    assert [s for s in range(10) if begins(phases, Clock(s, 10))] == [2, 4, 6, 8]
    effect = Consolidation("ewc", recipe.data, 2.0, rows=1)
    from audition.recipe.problem import Cost, Gradient
    from audition.recipe.signals import Controls, View

    state = effect.init({}, Streams(42))
    ends, weights = {2: 1.0, 4: 3.0}, {2: 5.0, 3: 5.0, 4: 7.0, 5: 9.0}
    for step, value in weights.items():
        w = {"w": torch.tensor([value])}
        curvature = {"w": torch.tensor([ends[step]])} if step in ends else {}
        gradient = Gradient({"w": torch.zeros(1)}, {}, Cost(), curvature=curvature)
        view = View(Clock(step, 10, step / 10), Controls(), w, Streams(42))
        gradient, state = effect.on_gradients(gradient, state, view)
        assert not gradient.curvature
        expected = 2.0 * sum(f * (value - weights[s]) for s, f in ends.items() if s <= step)
        assert gradient.grads["w"].item() == expected
        held = Consolidation("l2", recipe.data, 2.0)
    own = held.init({}, Streams(42))
    for step, value, expected in ((2, 5.0, 0.0), (3, 6.0, 2.0), (4, 7.0, 0.0), (5, 6.0, -2.0)):
        gradient = Gradient({"w": torch.zeros(1)}, {}, Cost())
        view = View(
            Clock(step, 10, step / 10), Controls(), {"w": torch.tensor([value])}, Streams(42)
        )
        gradient, own = held.on_gradients(gradient, own, view)
        assert gradient.grads["w"].item() == expected


def test_a_generator_learns_to_make_rows_like_those_it_saw():
    from audition.ideas.generative_replay import Coder, GenerativeReplay
    from audition.recipe.batches import Shape

    torch.manual_seed(0)
    coder = Coder(Shape((1, 4, 4), 2), GenerativeReplay(width=32, latent=2))
    rows = torch.ones(64, 1, 4, 4) * 2.0
    optimizer = torch.optim.Adam(coder.parameters(), lr=0.01)
    for step in range(150):
        optimizer.zero_grad()
        coder.bound(rows, torch.Generator().manual_seed(step)).backward()
        optimizer.step()
    made = coder(torch.randn(200, 2, generator=torch.Generator().manual_seed(9)))
    assert made.shape == (200, 1, 4, 4)
    assert F.mse_loss(made, torch.full_like(made, 2.0)) < 0.1
