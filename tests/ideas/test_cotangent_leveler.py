"""The cotangent leveler against its definition: forward nothing, backward levels of tokens."""

import pytest
import torch
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.ideas.cotangent_leveler import AXES, CotangentLeveler, level, levelled
from audition.recipe.batches import Clock
from audition.recipe.problem import Predict
from audition.session import begin


def drawn(*shape, seed=0, dtype=torch.float32):
    return torch.empty(shape, dtype=dtype).normal_(generator=torch.Generator().manual_seed(seed))


def uneven(rows=3, tokens=5, channels=4):
    """Cotangents whose levels differ by orders of magnitude, as small as a mean loss makes them."""
    levels = 10.0 ** drawn(rows, tokens, 1, seed=1)
    return 1e-5 * levels * drawn(rows, tokens, channels)


def rms(g):
    return g.square().mean(-1).sqrt()


@pytest.mark.parametrize("kappa", [-1.0, -0.3, 0.0, 0.3, 1.0])
@pytest.mark.parametrize("over", AXES)
def test_the_total_energy_is_preserved(kappa, over):
    g = uneven()
    assert levelled(g, kappa, AXES[over]).norm().item() == pytest.approx(g.norm().item(), rel=1e-5)


def test_it_is_the_formula():
    """g (r̄ / r)^κ with the r̄ that keeps Σ|g|², written out in float64."""
    g, kappa = uneven().double(), 0.3
    r = rms(g)[..., None]
    power = (g.square().sum() / (g * r**-kappa).square().sum()).sqrt()
    assert torch.allclose(levelled(g, kappa), g * power * r**-kappa, rtol=1e-6)


def test_kappa_of_one_makes_norms_equal_and_below_zero_spreads_them():
    g = uneven()
    equal = rms(levelled(g, 1.0))
    assert torch.allclose(equal, equal.mean().expand_as(equal), rtol=1e-4)
    ranges = [rms(levelled(g, k)).log().std() for k in (-0.5, 0.0, 0.5)]
    assert ranges[0] > ranges[1] > ranges[2]


def test_over_sequences_the_tokens_of_a_row_keep_their_proportions():
    g = uneven()
    after = levelled(g, 1.0, AXES["sequence"])
    norms = after.flatten(1).norm(dim=1)
    assert torch.allclose(norms, norms.mean().expand(3), rtol=1e-4)
    ratio = rms(after) / rms(g)
    assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-4)


@pytest.mark.parametrize("kappa", [-1.0, 0.3, 1.0])
def test_zeros_stay_zeros_and_harm_no_other(kappa):
    g = uneven()
    g[1, 2] = 0.0
    after = levelled(g, kappa)
    assert torch.equal(after[1, 2], torch.zeros(4))
    assert after.norm().item() == pytest.approx(g.norm().item(), rel=1e-5)
    assert torch.equal(levelled(torch.zeros(2, 3, 4), kappa), torch.zeros(2, 3, 4))


def test_the_derivative_is_right_at_zero_and_wrong_by_design_elsewhere():
    x = drawn(2, 3, 2, dtype=torch.float64).requires_grad_()

    def graph(kappa):  # a number, since the cotangent of one output alone would have one token
        return lambda x: (drawn(2, 3, 2, seed=5, dtype=x.dtype) * level(x, kappa)).sum()

    assert torch.autograd.gradcheck(graph(0.0), x)
    assert not torch.autograd.gradcheck(graph(0.5), x, raise_exception=False)


def gradients(job):
    """(loss, gradients by name, cotangents of the blocks' outputs) of a first batch."""
    session = begin(job.recipe, job.seed, "cpu")
    seen = []
    for block in session.model.blocks:
        block.register_forward_hook(lambda m, i, x: x.register_hook(seen.append) and None)
    batch = session.batches.train(Clock(0))
    loss = job.recipe.loss(Predict(session.model), batch, Clock(0))["cross_entropy"]
    loss.backward()
    return loss, {n: p.grad for n, p in session.params.items()}, seen[::-1]


def test_the_forward_pass_is_the_baselines(job_of):
    plain, levelled_ = gradients(job_of()), gradients(job_of("+idea=cotangent_leveler"))
    assert torch.equal(plain[0], levelled_[0])
    assert not torch.equal(plain[1]["embedding.weight"], levelled_[1]["embedding.weight"])


def test_it_acts_at_the_input_of_every_block(job_of):
    """What is above the last block has the baseline's gradient; with κ = 1 inputs have one level."""
    plain = gradients(job_of())
    found = gradients(job_of("+idea=cotangent_leveler", "ideas.cotangent_leveler.kappa=1"))
    assert torch.equal(plain[1]["norm.weight"], found[1]["norm.weight"])
    assert torch.equal(
        plain[1]["blocks.1.feedforward.down.weight"], found[1]["blocks.1.feedforward.down.weight"]
    )
    first, last = found[2]
    spread = [rms(g).log().std().item() for g in (first, last)]
    assert spread[0] < 1e-4 < 0.1 < spread[1]


def test_at_the_logits_it_is_a_reweighting_of_the_loss(job_of):
    chosen = ("+idea=cotangent_leveler", "ideas.cotangent_leveler.at=logits")
    _, found, _ = gradients(job_of(*chosen))
    job = job_of()
    session = begin(job.recipe, job.seed, "cpu")
    batch = session.batches.train(Clock(0))
    logits = session.model(batch.inputs)
    each = F.cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), reduction="none")
    (cotangent,) = torch.autograd.grad(each.mean(), logits, retain_graph=True)
    weights = (levelled(cotangent, 0.3).norm(dim=-1) / cotangent.norm(dim=-1)).flatten()
    (weights * each).mean().backward()
    for name, p in session.params.items():
        assert torch.allclose(found[name], p.grad, rtol=1e-3, atol=1e-6), name


def test_bfloat16_is_levelled_in_float32():
    g = uneven().bfloat16()
    after = levelled(g, 0.3)
    assert after.dtype == torch.bfloat16
    assert after.float().norm().item() == pytest.approx(g.float().norm().item(), rel=1e-2)


def test_a_model_without_blocks_is_refused(job_of):
    job = job_of("experiment=digits")
    with pytest.raises(AuditionError, match="ConvNet has none"):
        begin(CotangentLeveler()(job.recipe), 42, "cpu")
