"""What units respond to: against sums by hand, with planted units, and without a change of a bit."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from tests.apoptosis.conftest import Turning

from audition.observers.checkpoint import NAME, Checkpoint, read_checkpoint
from audition.observers.profiles import KINDS, Texts, TokenProfiles, kind_of
from audition.observers.responses import (
    Groups,
    attribution,
    by_class,
    effective,
    responses,
    shares,
    standard,
    twins,
)
from audition.recipe.units import sites
from audition.records.profiles import FILE, read_profiles
from audition.session import begin
from audition.training.loop import train
from audition.training.step import advance

OFTEN = (
    "apoptosis=functional_preservation",
    "apoptosis/timetable=periodic",
    "apoptosis.timetable.interval=2",
    "apoptosis.timetable.warmup=1",
)
GENERATOR = torch.Generator().manual_seed(0)


@pytest.fixture
def session(job_of):
    job = job_of("model.bias=true")
    return begin(job.recipe, job.seed, "cpu")


def test_a_response_is_a_mean_over_the_positions_of_a_token(session):
    inputs = session.batches.probe(0).inputs
    groups = Groups.by_token(inputs)
    kept = []
    reader = session.model.blocks[1].feedforward.down
    hook = reader.register_forward_pre_hook(lambda m, i: kept.append(i[0].detach()))
    session.model.eval()
    session.model(inputs)
    hook.remove()
    found = responses(session.model, sites(session.model), inputs, groups)
    assert list(found) == ["blocks.0.feedforward", "blocks.1.feedforward"]
    for row, token in enumerate(groups.ids.tolist()):
        where = inputs == token
        assert groups.counts[row] == where.sum()
        torch.testing.assert_close(found["blocks.1.feedforward"][row], kept[0][where].abs().mean(0))


def test_a_unit_that_fires_on_one_token_is_found(session, tmp_path):
    """Planted into the first block: it reads the place of one token's embedding and nothing else."""
    model, slot = session.model, 17
    block = model.blocks[0]
    inputs = session.batches.probe(0).inputs
    token = inputs.flatten().mode().values.item()
    width = model.embedding.weight.shape[1]
    with torch.no_grad():
        # Channels 0 and 1 tell the token from all others; attention and positions do not touch them.
        model.embedding.weight[:, :2] = 0.0
        model.embedding.weight[token, 0], model.embedding.weight[token, 1] = 5.0, -5.0
        for weight in model.positional.parameters():
            weight[:, :2] = 0.0
        block.attention.out.weight[:2] = 0.0
        up = block.feedforward.up
        up.weight[slot] = 0.0
        up.weight[slot, 0], up.weight[slot, 1], up.bias[slot] = 3.0, -3.0, -8.0
        block.feedforward.down.weight[:, slot] = model.head.weight[token] * 4.0
    assert width > 2
    observer = TokenProfiles(tmp_path)
    observer.on_start(session, 6)
    first = next(line for line in read_profiles(tmp_path) if line.site == "blocks.0.feedforward")
    assert first.tokens[slot][0] == token
    assert first.share[slot] > 0.9
    assert first.effective[slot] < 2.0
    assert first.effective[slot] == min(first.effective)
    assert first.kind_share[slot] > 0.9
    assert first.classes[first.kind[slot]] == kind_of(first.texts[str(token)])
    assert first.writes[slot] == token
    assert first.writes_z[slot] == max(first.writes_z)


def test_spread_by_hand():
    response = torch.tensor([[1.0, 2.0, 0.0], [1.0, 0.0, 0.0], [1.0, 2.0, 0.0], [1.0, 0.0, 0.0]])
    share = shares(response)
    assert torch.equal(share[:, 1], torch.tensor([0.5, 0.0, 0.5, 0.0]))
    assert effective(share).tolist() == pytest.approx([4.0, 2.0, 4.0])  # a silent unit is even


def test_a_class_is_the_mean_of_its_tokens():
    response = torch.tensor([[1.0], [3.0], [10.0]])
    assert by_class(response, torch.tensor([0, 0, 2]), 3).tolist() == [[2.0], [0.0], [10.0]]


def test_likeness_is_correlation_and_ones_own_is_one():
    response = torch.rand(9, 5, generator=GENERATOR)
    response[:, 3] = 2.0 * response[:, 1] + 0.5
    response[:, 4] = 0.7  # the same for all tokens: like no other
    standardised = standard(response)
    own = (standardised * standardised).sum(0)
    assert own[:4].tolist() == pytest.approx([1.0] * 4, abs=1e-5)
    largest, which = twins(standardised)
    assert (which[1], which[3]) == (3, 1)
    assert largest[1] == pytest.approx(1.0, abs=1e-5)
    expected = torch.corrcoef(response[:, :4].T).fill_diagonal_(-2.0).max(1).values
    assert largest[0] == pytest.approx(max(expected[0].item(), 0.0), abs=1e-5)
    assert largest[4] == pytest.approx(0.0, abs=1e-5)


def test_attribution_in_pieces_is_that_of_the_whole(monkeypatch):
    weight, head = torch.randn(6, 10, generator=GENERATOR), torch.randn(7, 6, generator=GENERATOR)
    logits = head @ weight
    for piece in (1, 21, 1000):
        monkeypatch.setattr("audition.observers.responses.PIECE", piece)
        which, z = attribution(weight, head)
        assert torch.equal(which, logits.argmax(0))
        torch.testing.assert_close(z, ((logits - logits.mean(0)) / logits.std(0)).max(0).values)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *(("e", "vowel"), ("t", "consonant"), ("T", "capital"), (" The", "capital")),
        *(
            (" the", "word"),
            ("ing", "part of a word"),
            ("\n", "line break"),
            ("\n\n", "line break"),
        ),
        *((" ", "space"), ("7", "digit"), (" 42", "digit"), (";", "punctuation"), ("x1", "mixed")),
        *(("", "space"), ("�", "punctuation"), ("#7", "mixed")),
    ],
)
def test_classes_of_tokens(text, kind):
    assert kind_of(text) == kind
    assert kind in KINDS


def test_without_a_tokenizer_a_token_is_its_number():
    assert Texts(None)[7] == "#7"
    few = SimpleNamespace(decode=lambda ids: "ab"[ids[0]])
    assert (Texts(few)[1], Texts(few)[5]) == ("b", "#5")


@pytest.mark.parametrize("overrides", [("model.dropout=0.1",), (*OFTEN, "model.dropout=0.1")])
def test_looking_changes_no_bit(job_of, trained, differences, tmp_path, overrides):
    watched = train(job_of(*overrides), [TokenProfiles(tmp_path, looks=6)])
    steps = sorted({line.step for line in read_profiles(tmp_path)})
    assert steps == list(range(7))
    ours, theirs = watched.session.snapshot(), trained(*overrides).session.snapshot()
    for snapshot in (ours, theirs):
        del snapshot["seconds"]
    assert not differences(ours, theirs)


def test_looks_are_spread_and_come_early_after_an_event(job_of, tmp_path):
    train(job_of("budget.steps=12"), [TokenProfiles(tmp_path, looks=3)])
    assert [line.step for line in read_profiles(tmp_path)[::2]] == [0, 4, 8, 12]
    train(job_of(*OFTEN, "budget.steps=12"), [TokenProfiles(tmp_path, looks=3)])
    # events after 2, 4, 6, 8: a look is 4 steps after the last, or 2 where there is an event
    assert [line.step for line in read_profiles(tmp_path)[::2]] == [0, 2, 4, 6, 8, 10, 12]


def test_drift_follows_units_to_other_slots(job_of, tmp_path):
    """With weights that stand still a unit that lived responds as before, wherever it is now."""
    still = ("optimizer=sgd", "optimizer.lr=0", "optimizer.weight_decay=0", "budget.steps=3")
    job = job_of(*still)
    job = replace(job, recipe=replace(job.recipe, apoptosis=Turning()))
    train(job, [TokenProfiles(tmp_path, looks=3)])
    lines = [line for line in read_profiles(tmp_path) if line.site == "blocks.0.feedforward"]
    before, after = lines[1], lines[2]  # three are added and five leave after step 2
    assert before.drift == pytest.approx((1.0,) * 128, abs=2e-3)
    assert (len(before.tokens), len(after.tokens)) == (128, 126)
    assert after.drift[:-3] == pytest.approx((1.0,) * 123, abs=2e-3)
    assert after.drift[-3:] == (None,) * 3


def test_replaced_units_have_no_former_self(job_of, tmp_path):
    job = job_of(*OFTEN, "apoptosis.rate=0.1")
    observer = TokenProfiles(tmp_path, looks=6)
    session = begin(job.recipe, job.seed, "cpu")
    observer.on_start(session, 6)
    from audition.recipe.batches import Clock

    for step in range(2):
        report = advance(job, session, Clock(step, 6, step / 6))
        observer.on_step(session, report)
    born = {event.site: {*event.born.tolist()} for event in report.events}
    for line in read_profiles(tmp_path)[-2:]:
        assert {j for j, drift in enumerate(line.drift) if drift is None} == born[line.site]


def test_stopped_and_resumed_goes_on_with_the_file(job_of, tmp_path):
    train(
        job_of(),
        [Checkpoint(tmp_path, minutes=1e9), TokenProfiles(tmp_path, looks=3)],
        interrupted=lambda step: step == 3,
    )
    assert [line.step for line in read_profiles(tmp_path)[::2]] == [0, 2]
    later = (tmp_path / FILE).read_text().splitlines()[-1]
    with (tmp_path / FILE).open("a") as file:  # of a step after the checkpoint
        file.write(json.dumps({**json.loads(later), "step": 5}) + "\n")
    resume = read_checkpoint(tmp_path / NAME, "")
    train(job_of(), [TokenProfiles(tmp_path, looks=3)], resume=resume)
    assert [line.step for line in read_profiles(tmp_path)[::2]] == [0, 2, 4, 6]


@pytest.mark.parametrize(
    "overrides", [("experiment=digits",), ("experiment=digits", "model=convnet")]
)
def test_pictures_have_no_tokens(job_of, tmp_path, overrides):
    assert train(job_of(*overrides), [TokenProfiles(tmp_path)]).status == "finished"
    assert not (tmp_path / FILE).exists()


def test_experts_that_see_some_tokens_are_left_out(job_of, tmp_path):
    train(job_of("feedforward=moe"), [TokenProfiles(tmp_path)])
    assert not read_profiles(tmp_path)
    train(job_of("feedforward=moe", "feedforward.dispatch=dense"), [TokenProfiles(tmp_path)])
    assert read_profiles(tmp_path)[0].site == "blocks.0.feedforward.experts.0"


def test_a_larger_vocabulary_and_gates(job_of, tmp_path):
    train(job_of("model.vocab=200", "feedforward=swiglu"), [TokenProfiles(tmp_path)])
    assert len(read_profiles(tmp_path)[0].tokens) == 85
