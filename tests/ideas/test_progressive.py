"""Progressive columns: what they compute, that they forget nothing, when they are naive training."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from audition.errors import AuditionError
from audition.ideas.progressive import Columns, column_of
from audition.parts.mlp import MLP
from audition.recipe.batches import Shape
from audition.session import begin
from audition.training.loop import train

STREAM = (
    *("task=stream", "task.scenario=task", "data.batch_size=8", "budget.steps=20"),
    *("precision=fp32", "model.width=16", "optimizer.lr=0.01"),
)
ON = "+idea=progressive"


def columns_of(many, layers=2):
    torch.manual_seed(0)
    shape = Shape((1, 2, 2), 3)
    made = Columns(shape, [MLP(shape, layers=layers, width=5) for _ in range(many)])
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.normal_()
    return made.eval()


def test_the_sum_is_that_of_the_paper_written_out():
    """h2 of column 3 = relu(W h1 + U1 h1 of column 1 + U2 h1 of column 2 + b), and so its head."""
    model, x = columns_of(3), torch.randn(7, 1, 2, 2)
    seen = []
    for k, column in enumerate((model, *model.further)):
        first = F.relu(column.hidden[0](x.flatten(1)))
        second, answer = column.hidden[1](first), None
        if k:
            between, last = (each.weight.split(5, dim=1) for each in model.laterals[k - 1])
            for (below, _), weight in zip(seen, between, strict=True):
                second = second + F.linear(below, weight)
        second = F.relu(second)
        answer = column.head(second)
        if k:
            for (_, below), weight in zip(seen, last, strict=True):
                answer = answer + F.linear(below, weight)
        torch.testing.assert_close(model(x, torch.full((7,), k)), answer)
        seen.append((first, second))


def test_a_row_is_answered_by_the_column_of_its_group():
    model, x = columns_of(3), torch.randn(4, 1, 2, 2)
    mixed = model(x, torch.tensor([2, 0, 1, 5]))
    each = [model(x, torch.full((4,), k)) for k in range(3)]
    assert torch.equal(mixed, torch.stack([each[2][0], each[0][1], each[1][2], each[2][3]]))


@pytest.mark.parametrize("layers", [0, 1, 3])
def test_a_column_teaches_no_other(layers):
    model = columns_of(3, layers)
    model(torch.randn(4, 1, 2, 2), torch.full((4,), 1)).sum().backward()
    taught = {column_of(n) for n, p in model.named_parameters() if (p.grad != 0).any()}
    assert taught == {1}


def test_nothing_is_forgotten(job_of):
    job = job_of(ON, base=STREAM)
    outcome = train(job)
    history = job.task.history([e.metrics for e in outcome.session.evaluations], 5)
    for matrix in history["matrices"].values():
        for phase in range(5):
            kept = {row[phase] for row in matrix[phase + 1 :]}
            assert len(kept) == 1
    assert all(row[i] != matrix[0][i] for i, row in enumerate(matrix[1:]))
    assert outcome.final["val/forgetting"] == outcome.final["val/backward_transfer"] == 0.0
    assert train(job_of(base=STREAM)).final["val/forgetting"] != 0.0


def test_the_first_phase_is_naive_training(job_of, weights_of, differences):
    ours, naive = (
        train(job_of(*words, base=STREAM), interrupted=lambda step: step == 4)
        for words in ((ON,), ())
    )
    theirs = weights_of(naive)
    assert not differences({n: w for n, w in weights_of(ours).items() if n in theirs}, theirs)
    later = {n: w for n, w in weights_of(ours).items() if n not in theirs}
    fresh = begin(job_of(ON, base=STREAM).recipe, 42, "cpu").params
    assert {column_of(name) for name in later} == {1, 2, 3, 4}
    assert not differences(later, {name: fresh[name].detach() for name in later})


@pytest.mark.parametrize(
    ("ours", "both"), [(("ideas.progressive.columns=1",), ()), ((), ("task.phases=1",))]
)
def test_one_column_is_naive_training(job_of, weights_of, differences, ours, both):
    ours, naive = (train(job_of(*arm, *both, base=STREAM)) for arm in ((ON, *ours), ()))
    assert not differences(weights_of(ours), weights_of(naive))


def test_later_phases_share_the_last_of_fewer_columns(job_of):
    job = job_of(ON, "ideas.progressive.columns=2", base=STREAM)
    outcome = train(job)
    assert {column_of(name) for name in outcome.session.params} == {0, 1}
    evaluations = [e.metrics for e in outcome.session.evaluations]
    matrix = job.task.history(evaluations, 5)["matrices"]["val_loss"]
    assert len({row[0] for row in matrix[1:]}) == 1
    assert len({row[1] for row in matrix[2:]}) == 4


def test_a_pack_is_each_of_its_runs(job_of, weights_of):
    from audition.training.loop import Run, opened
    from audition.training.packing.session import train_packed

    jobs = [replace(job_of(ON, base=STREAM), seed=seed) for seed in (42, 43)]
    outcomes = train_packed([Run(job, opened(job)) for job in jobs], lambda text: None)
    for job, outcome in zip(jobs, outcomes, strict=True):
        for name, weight in weights_of(train(job)).items():
            torch.testing.assert_close(weights_of(outcome)[name], weight, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("task.scenario=class",), r"task\.scenario=class does not tell: .* task\.scenario=task"),
        (("model=convnet", "model.width=8"), r"the model is of kind ConvNet: choose model=mlp"),
    ],
)
def test_what_has_no_columns_is_refused(job_of, words, said):
    job = job_of(ON, *words, base=STREAM)
    with pytest.raises(AuditionError, match=said):
        begin(job.recipe, 42, "cpu")
