"""A sample of text: of the trained model, the same twice, and without a trace in the run."""

from audition.observers.sample import MARK, Sample, sampled
from audition.recipe.weights import digest
from audition.records.contents import SAMPLE
from audition.training.loop import train


def weights_of(outcome):
    return digest({**outcome.session.params, **outcome.session.buffers})


def test_a_sample_goes_on_with_the_held_out_text(job_of, tmp_path):
    job = job_of("budget.steps=4", "model.dropout=0.1")
    outcome = train(job, [Sample(tmp_path, 40)])
    session = outcome.session
    given, made = (tmp_path / SAMPLE).read_text(encoding="utf-8").split(MARK)
    window = next(iter(session.batches.held_out(1))).inputs[0].tolist()
    assert given == session.batches.tokenizer.decode(window)
    assert len(session.batches.tokenizer.encode([made.removesuffix("\n")])[0]) == 40
    # It is the last model's, drawn by the run's own stream: the same twice.
    assert sampled(session, 40) == (tmp_path / SAMPLE).read_text(encoding="utf-8")
    assert weights_of(outcome) == weights_of(train(job))


def test_it_sees_the_weights_that_evaluation_saw(job_of, tmp_path):
    job = job_of("budget.steps=6", "preset=ema", "optimizer.lr=0.1")
    session = train(job, [Sample(tmp_path, 60)]).session
    assert sampled(session, 60) != (tmp_path / SAMPLE).read_text(encoding="utf-8")


def test_nothing_is_written_unless_it_is_asked_for_or_where_there_is_no_text(job_of, tmp_path):
    train(job_of("budget.steps=2"), [Sample(tmp_path, 0)])
    train(job_of("experiment=digits", "budget.steps=2"), [Sample(tmp_path, 10)])
    assert not (tmp_path / SAMPLE).exists()
