"""The stream gate against its definition: identity, controls, and what is measured of the stream."""

import pytest
import torch

from audition.errors import AuditionError
from audition.ideas.stream_gate import (
    COVARIANCE,
    LEVELS,
    VECTORS,
    StreamGate,
    levels,
    moments,
)
from audition.observers.observer import Observer
from audition.parts.spectrum import TINY, band_members, bands, covariance, energies, principal
from audition.recipe.batches import Clock
from audition.recipe.problem import Predict
from audition.session import begin
from audition.training.loop import train

IDEA = "+idea=stream_gate"
NOW = "ideas.stream_gate.measure=0"


def drawn(*shape, seed=0):
    return torch.empty(shape).normal_(generator=torch.Generator().manual_seed(seed))


def orthonormal(rows, columns, seed=0):
    return torch.linalg.qr(drawn(rows, columns, seed=seed)).Q


def opened(job, seed=3):
    """A model whose basis is some orthonormal one, and a batch."""
    session = begin(job.recipe, job.seed, "cpu")
    vectors = session.params[VECTORS]
    vectors.copy_(orthonormal(*vectors.shape, seed=seed))
    return session, session.batches.train(Clock(0))


def gates(model):
    return {n: m for n, m in model.named_modules() if type(m).__name__ == "Gate"}


def test_bands_are_doubling_ranks():
    assert band_members(32).sum(1).tolist() == [1, 1, 2, 4, 8, 16]
    assert band_members(20).sum(1).tolist() == [1, 1, 2, 4, 8, 4]
    assert torch.equal(band_members(8).argmax(0), bands(8, torch.device("cpu"))[0])
    assert band_members(1).tolist() == [[1]]
    assert len(band_members(2048)) == 12


def test_energies_are_sums_of_squares_by_band():
    h = drawn(2, 3, 8)
    found = energies(h, band_members(8))
    expected = [h[..., a:b].square().sum(-1) for a, b in ((0, 1), (1, 2), (2, 4), (4, 8))]
    assert torch.allclose(found, torch.stack(expected, -1) + TINY)


def test_principal_directions_are_those_of_a_planted_covariance():
    basis, scales = orthonormal(12, 12), torch.tensor([9.0, 5.0, 3.0] + [0.1] * 9)
    x = drawn(20000, 12, seed=1) * scales @ basis.T + 100.0  # a mean is no direction of variance
    found = principal(covariance(x), 3)
    assert torch.allclose((found.T @ basis[:, :3]).abs(), torch.eye(3), atol=0.02)
    assert torch.allclose(covariance(x), x.T.cov(correction=0), atol=0.5)


def test_levels_standardise():
    values = 3.0 + 2.0 * drawn(40, 50, 4)
    mean, precision, _ = levels(5.0 * moments(values))  # sums over pieces have no scale
    z = (values - mean) * precision
    assert torch.allclose(z.mean((0, 1)), torch.zeros(4), atol=1e-4)
    assert torch.allclose(z.std((0, 1)), torch.ones(4), atol=1e-2)
    assert torch.equal(levels(torch.zeros(3, 4))[:2], torch.zeros(2, 4))


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_and_c_of_zero_are_the_identity(job_of, precision):
    chosen = f"precision={precision}"
    job, plain = job_of(IDEA, chosen), job_of(chosen)
    (ours, batch), theirs = opened(job), begin(plain.recipe, plain.seed, "cpu")
    for gate in gates(ours.model).values():
        gate.levels.data[1] = 1.0
    with job.execution.context():
        assert torch.equal(ours.model(batch.inputs), theirs.model(batch.inputs))


def test_a_gated_write_is_the_formula(job_of):
    """y' = y + Σ_b (g_b(x) - 1) U_b U_bᵀ y, band by band with projections written out."""
    session, _ = opened(job_of(IDEA, "ideas.stream_gate.rank=8"))
    block = session.model.blocks[0]
    gate, u = block.attention_out_norm.stream_gate, session.params[VECTORS]
    gate.offset.data, gate.slope.data = drawn(4, seed=1), drawn(4, seed=2)
    gate.levels.data[:2] = drawn(2, 4, seed=4)
    x, y = drawn(2, 5, 32, seed=5), drawn(2, 5, 32, seed=6)
    gate.listen(None, (x,))
    found = gate.write(None, (), y)
    expected = y.clone()
    for b, (start, end) in enumerate(((0, 1), (1, 2), (2, 4), (4, 8))):
        project = u[:, start:end] @ u[:, start:end].T
        energy = (x @ project).square().sum(-1)
        z = (energy.log() - gate.levels[0, b]) * gate.levels[1, b]
        gain = 2 * torch.sigmoid(gate.offset[b] + gate.slope[b] * z)
        expected += (gain - 1)[..., None] * (y @ project)
    assert torch.allclose(found, expected, atol=1e-5)


def test_no_gradient_passes_through_the_energy(job_of):
    """That of log h² has no bound where h is near zero, and the first bands have one h each."""
    session, _ = opened(job_of(IDEA))
    gate = session.model.blocks[0].attention_out_norm.stream_gate
    gate.slope.data, gate.levels.data[1] = drawn(6), 1.0
    x, y = drawn(2, 5, 32).requires_grad_(), drawn(2, 5, 32, seed=1).requires_grad_()
    gate.listen(None, (x,))
    gate.write(None, (), y).square().sum().backward()
    assert x.grad is None
    assert y.grad.any()
    assert gate.slope.grad.all()


def test_what_a_gate_hears_is_the_stream_before_its_norm(job_of):
    session, batch = opened(job_of(IDEA))
    block, x = session.model.blocks[0], session.model.embed(batch.inputs)
    block.attention_norm(x)
    assert block.attention_out_norm.stream_gate.heard is x
    block(x, session.model.positional)
    assert all(gate.heard is None for gate in gates(session.model).values())  # nothing is kept


def test_later_tokens_change_nothing_earlier(job_of):
    """Causal, in training too: levels are those of earlier steps."""
    session, batch = opened(job_of(IDEA))
    for i, gate in enumerate(gates(session.model).values()):
        gate.slope.data.copy_(drawn(*gate.slope.shape, seed=i))
        gate.levels.data[1] = 1.0
    other = batch.inputs.clone()
    other[:, 9:] = (other[:, 9:] + 1) % 60
    before, after = session.model(batch.inputs), session.model(other)
    assert torch.equal(before[:, :9], after[:, :9])
    assert not torch.equal(before[:, 9:], after[:, 9:])


class Watch(Observer):
    def __init__(self):
        self.vectors, self.states = [], []

    def on_step(self, session, report):
        self.vectors.append(session.params[VECTORS].detach().clone())
        self.states.append(session.effects["stream_gate"])


def watched(job):
    watch = Watch()
    return train(job, [watch]), watch


def test_the_basis_is_measured_and_then_frozen(job_of):
    _, watch = watched(job_of(IDEA, "ideas.stream_gate.measure=0.4", "training.clip=null"))
    assert [v.any().item() for v in watch.vectors] == [False] * 3 + [True] * 3
    frozen = watch.vectors[3]
    assert all(torch.equal(v, frozen) for v in watch.vectors[3:])
    assert torch.allclose(frozen.T @ frozen, torch.eye(32), atol=1e-5)
    measured = watch.states[3]["covariance"]
    diagonal = frozen.T @ measured @ frozen
    assert torch.allclose(diagonal, diagonal.diagonal().diag(), atol=1e-3 * diagonal.max().item())
    assert (diagonal.diagonal().diff() <= 1e-6).all()
    assert torch.equal(watch.states[5]["covariance"], measured)


def test_until_then_it_is_the_baseline_to_the_bit(job_of, differences):
    chosen = ("training.clip=null",)
    gated = train(job_of(IDEA, "ideas.stream_gate.measure=0.99", *chosen)).session
    plain = train(job_of(*chosen)).session
    ours = {name: gated.params[name] for name in plain.params}
    assert not differences(ours, plain.params)


def test_the_covariance_is_that_of_the_first_rows_at_the_blocks(job_of):
    job = job_of(IDEA)
    session = begin(job.recipe, job.seed, "cpu")
    batch = session.batches.train(Clock(0))
    job.recipe.loss(Predict(session.model), batch, Clock(0))["cross_entropy"].backward()
    with torch.no_grad():
        x = session.model.embed(batch.inputs)
        expected = covariance(x[0])
        expected = expected + covariance(session.model.blocks[0](x, session.model.positional)[0])
    assert torch.allclose(session.params[COVARIANCE].grad, expected, atol=1e-6)


def test_no_optimizer_sees_what_was_measured(job_of):
    outcome, _ = watched(job_of(IDEA, NOW))
    session = outcome.session
    slots = [n for n in session.params if n == COVARIANCE or n.endswith(LEVELS)]
    assert len(slots) == 1 + 4
    for name in slots:
        assert not session.optimizer.state[session.params[name]]["exp_avg"].any()
    assert not session.params[COVARIANCE].any()
    assert torch.equal(session.params[VECTORS], session.effects["stream_gate"]["basis"])


def test_offsets_and_slopes_are_learned_once_it_is_open(job_of):
    params = train(job_of(IDEA, NOW)).session.params
    for kind in ("offset", "slope"):
        learned = [p for name, p in params.items() if name.endswith(f"stream_gate.{kind}")]
        assert len(learned) == 4
        assert all(p.any() for p in learned)


def test_controls(job_of):
    def basis_of(*chosen):
        job = job_of(IDEA, NOW, *(f"ideas.stream_gate.{word}" for word in chosen))
        return train(job).session

    random, other = basis_of("basis=random", "rank=8"), basis_of("basis=random", "rank=8")
    vectors = random.params[VECTORS]
    assert torch.allclose(vectors.T @ vectors, torch.eye(8), atol=1e-5)
    assert torch.equal(vectors, other.params[VECTORS])
    assert COVARIANCE not in random.params
    axes = basis_of("basis=axes", "rank=1000", "dynamic=false")
    assert torch.equal(axes.params[VECTORS], torch.eye(32))
    assert not any(name.endswith(("slope", "levels")) for name in axes.params)
    offsets = [p for name, p in axes.params.items() if name.endswith("stream_gate.offset")]
    assert all(p.any() for p in offsets)


def test_the_random_basis_is_the_runs_own(job_of):
    chosen = (IDEA, NOW, "ideas.stream_gate.basis=random")
    found = [train(job_of(*chosen, f"seed={s}")).session.params[VECTORS] for s in (1, 2)]
    assert not torch.equal(*found)


def test_static_axes_are_a_gain_a_channel(job_of):
    chosen = ("basis=axes", "rank=32", "dynamic=false")
    job = job_of(IDEA, *(f"ideas.stream_gate.{word}" for word in chosen))
    session = begin(job.recipe, 42, "cpu")
    session.params[VECTORS].copy_(torch.eye(32))
    gate = session.model.blocks[0].attention_out_norm.stream_gate
    gate.offset.data = drawn(6)
    gains = 2 * gate.offset.sigmoid() @ band_members(32)
    y = drawn(2, 3, 32)
    gate.listen(None, (y,))
    assert torch.allclose(gate.write(None, (), y), gains * y, atol=1e-6)


@pytest.mark.parametrize("overrides", [("experiment=digits",), ("norm.placement=post",)])
def test_a_model_whose_branches_have_no_norm_before_them_is_refused(job_of, overrides):
    recipe = job_of(*overrides).recipe
    with pytest.raises(AuditionError, match="branches with a norm before them"):
        begin(StreamGate()(recipe), 42, "cpu")
