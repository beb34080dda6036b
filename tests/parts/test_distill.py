"""Distillation, held to its limits, to autograd, and to a naive sum."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from audition.parts.flops import forward_flops
from audition.parts.loss.cross_entropy import CrossEntropy
from audition.parts.loss.distill import Distill, divergence, passes
from audition.recipe.batches import Batch, Clock
from audition.recipe.gradient import backward
from audition.recipe.problem import Predict, Problem

ROWS, ANSWERS = 6, 71


class Given(nn.Module):
    """Gives its own logits, whatever it is asked."""

    def __init__(self, logits):
        super().__init__()
        self.logits = nn.Parameter(logits.clone())

    def forward(self, inputs):
        return self.logits[None]


def drawn(seed):
    return torch.randn(ROWS, ANSWERS, generator=torch.Generator().manual_seed(seed))


BATCH = Batch(
    torch.zeros(1, ROWS, dtype=torch.int64),
    torch.arange(ROWS)[None],
    torch.tensor([0]),
    torch.tensor([0]),
)


def never():
    raise AssertionError("no teacher is asked at α = 0")


def test_without_a_share_it_is_cross_entropy_and_no_teacher_is_asked():
    model = Given(drawn(1))
    loss = Distill(alpha=0.0).taught(never)
    found = loss(Predict(model), BATCH, Clock(0))
    plain = CrossEntropy()(Predict(model), BATCH, Clock(0))
    assert torch.equal(found["cross_entropy"], plain["cross_entropy"])
    assert list(found) == ["cross_entropy"]
    assert loss.beside(model) == 0.0


def test_a_model_that_agrees_with_its_teacher_learns_nothing_of_it():
    logits = drawn(2)
    terms = Distill(alpha=1.0).taught(lambda: Given(logits))(
        Predict(Given(logits)), BATCH, Clock(0)
    )
    assert terms["distillation"].item() == pytest.approx(0.0, abs=1e-6)


def test_a_teacher_that_is_sure_of_what_is_right_is_cross_entropy():
    sure = torch.full((ROWS, ANSWERS), -1e4)
    sure[torch.arange(ROWS), torch.arange(ROWS)] = 0.0
    model = Given(drawn(3))
    loss = Distill(alpha=1.0, temperature=1.0).taught(lambda: Given(sure))
    plain = CrossEntropy()(Predict(model), BATCH, Clock(0))["cross_entropy"]
    found = loss(Predict(model), BATCH, Clock(0))["distillation"]
    assert found.item() == pytest.approx(plain.item(), rel=1e-6)


def gradient(temperature):
    z, v = drawn(4).double().requires_grad_(), drawn(5).double()
    divergence(v, z, temperature).backward()
    return z.grad, z.detach(), v


def test_the_gradient_at_a_temperature_of_one_is_q_less_p():
    found, z, v = gradient(1.0)
    torch.testing.assert_close(found, (z.softmax(-1) - v.softmax(-1)) / ROWS)


@pytest.mark.parametrize(("temperature", "off"), [(100.0, 3e-2), (1000.0, 3e-3)])
def test_the_gradient_at_a_high_temperature_is_that_of_centred_logits(temperature, off):
    """Hinton et al. 2015, equation 4; the error falls as 1/T."""
    found, z, v = gradient(temperature)
    centred = (z - z.mean(-1, keepdim=True)) - (v - v.mean(-1, keepdim=True))
    wanted = centred / (ANSWERS * ROWS)
    assert (found - wanted).norm() < off * wanted.norm()


def test_it_is_a_mean_over_predictions_where_torchs_default_also_divides_by_answers():
    z, v = drawn(6), drawn(7)
    p, q = v.softmax(-1), z.softmax(-1)
    by_hand = (p * (p / q).log()).sum(-1).mean()
    found = divergence(v, z, 1.0)
    assert found.item() == pytest.approx(by_hand.item(), rel=1e-5)
    with pytest.warns(UserWarning, match="batchmean"):
        default = F.kl_div(z.log_softmax(-1), p)
    assert (found / default).item() == pytest.approx(ANSWERS, rel=1e-4)


def test_the_terms_are_shares_and_the_teacher_gets_no_gradient():
    teacher, model = Given(drawn(8)), Given(drawn(9))
    loss = Distill(alpha=0.3, temperature=2.0).taught(lambda: teacher)
    terms = loss(Predict(model), BATCH, Clock(0))
    plain = F.cross_entropy(model.logits, torch.arange(ROWS))
    assert terms["cross_entropy"].item() == pytest.approx(0.7 * plain.item(), rel=1e-6)
    apart = divergence(teacher.logits, model.logits, 2.0)
    assert terms["distillation"].item() == pytest.approx(0.3 * apart.item(), rel=1e-6)
    sum(terms.values()).backward()
    assert teacher.logits.grad is None
    assert not teacher.training


def test_the_teachers_forward_passes_are_counted_by_their_operations(job_of):
    job = job_of("loss=distill")
    batches = job.recipe.data
    from audition.session import begin

    session = begin(job.recipe, job.seed, "cpu")
    problem = Problem(
        session.model, session.params, job.recipe.loss, session.batches.train(Clock(0))
    )
    assert batches is not None
    assert backward(problem).cost.forward == 2.0  # its own first weights: as large as it is
    small = job_of("model.width=16").recipe.model(session.batches.shape)
    large = job_of("model.width=32").recipe.model(session.batches.shape)
    places = small.context
    ratio = forward_flops(large, places) / forward_flops(small, places)
    assert passes(large, small) == pytest.approx(ratio)
    assert passes(nn.Conv2d(1, 2, 3), nn.Conv2d(1, 1, 3)) == pytest.approx(2.0)


def test_a_run_is_the_same_whether_a_teacher_is_made_or_not(trained, weights_of, differences):
    """Making it draws from no generator of the run, dropout's included."""
    common = ("model.dropout=0.2",)
    plain = trained(*common)
    off = trained(*common, "loss=distill", "loss.alpha=0")
    assert not differences(weights_of(plain), weights_of(off))
    on = trained(*common, "loss=distill", "loss.alpha=1e-12")
    close = zip(weights_of(plain).values(), weights_of(on).values(), strict=True)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in close)
