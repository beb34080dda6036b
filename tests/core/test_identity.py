"""What makes two runs one: every setting that can change a number, and no other."""

import shutil
from copy import deepcopy
from hashlib import sha256
from pathlib import Path

import pytest

import audition
from audition.config.identity import identify, material
from audition.config.root import normalised

IDEAS = ("spectral_gate", "placebo")


def edited(settings, path, value):
    """The settings with one value replaced, or removed where it is None, as a run gets them."""
    copy = deepcopy(settings)
    *way, last = path.split(".")
    node = copy
    for key in way:
        node = node[key]
    node.pop(last) if value is None else node.update({last: value})
    return normalised(copy)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("attention.kv_heads", None),
        ("optimizer.lr", None),
        ("optimizer.betas", (0.9, 0.99)),
        ("model.bias", None),
        ("training.clip", None),
        ("training.clip", 1),
        ("training.check_every", None),
        ("budget.minutes", None),
        ("execution.threads", None),
        ("data.tokenizer", None),
        ("data.batch_size", 4.0),
        ("budget.steps", 6.0),
        ("budget.tokens", 1e6),
        ("execution.threads", 1.0),
    ],
)
def test_a_default_may_be_written_out_or_left_out(settings_of, path, value):
    settings = settings_of()
    assert identify(edited(settings, path, value)) == identify(settings)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("logger", {"tensorboard": {"_target_": "audition.trackers.tensorboard.TensorBoard"}}),
        ("energy", {"_target_": "audition.energy.rapl.Rapl"}),
        ("training.check_every", 3),
        ("paths.output_dir", "elsewhere"),
        ("checkpoint.minutes", 9.0),
        ("paths.cache_dir", "elsewhere"),
        ("data.cache_dir", "elsewhere"),
        ("baseline", "optimizer=sgd"),
        ("baseline_seeds", 9),
        ("arm", {"name": "another", "baseline": "word"}),
        ("cards", {}),
    ],
)
def test_cosmetic_settings_change_nothing(settings_of, path, value):
    settings = settings_of("+idea=spectral_gate")
    assert identify(edited(settings, path, value)) == identify(settings)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("optimizer.lr", 1e-3),
        ("model.width", 64),
        ("model.dropout", 0.1),
        ("data.batch_size", 8),
        ("budget.steps", 7),
        ("execution.threads", 2),
        ("execution.accumulate", 2),
        ("training.clip", 0.5),
        ("ideas.spectral_gate.rho", 0.2),
        ("precision._target_", "audition.execution.Bfloat16"),
        ("effects", {"saturation": {"_target_": "audition.effects.saturation.Saturation"}}),
    ],
)
def test_what_can_change_a_number_changes_the_key(settings_of, path, value):
    settings = settings_of("+idea=spectral_gate")
    before, after = identify(settings), identify(edited(settings, path, value))
    assert before.config_hash != after.config_hash
    assert before.key != after.key
    assert before.evaluation == after.evaluation


@pytest.mark.parametrize("change", [("data.context", 8), ("data.evaluation_tokens", 1024)])
def test_another_measure_is_another_evaluation(settings_of, change):
    settings = settings_of()
    assert identify(settings).evaluation != identify(edited(settings, *change)).evaluation


def test_seeds_share_their_arm(settings_of):
    first, other = identify(settings_of()), identify(settings_of("seed=43"))
    assert first.config_hash == other.config_hash
    assert first.key != other.key
    assert first.of_seed(43) == other


def test_the_order_of_effects_is_part_of_it(settings_of):
    settings = settings_of("preset=saturation_limiter")
    backwards = {**settings, "effects": dict(reversed(settings["effects"].items()))}
    assert identify(settings).config_hash != identify(backwards).config_hash
    assert [name for name, _ in material(settings)["effects"]] == ["saturation", "limiter"]


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package's source; parsed once, since it is read many times."""
    ignore = shutil.ignore_patterns("__pycache__", "conf")
    place = tmp_path_factory.mktemp("source") / "audition"
    return shutil.copytree(Path(audition.__file__).parent, place, ignore=ignore)


@pytest.fixture(scope="module")
def _read_from_the_copy(copy):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audition.__spec__, "submodule_search_locations", [str(copy)])
        patch.setattr(audition.__spec__, "origin", str(copy / "__init__.py"))
        yield


@pytest.fixture(scope="module")
def unedited(settings_of, _read_from_the_copy):
    """Arm -> who its runs are before any edit."""
    return {arm: identify(settings_of(*overrides)) for arm, overrides in WITH_RANKS.items()}


@pytest.fixture
def edit(copy, unedited):
    """(file, old, new): edits the copy, which identities are read from; undone after the test."""
    originals = {}

    def written(file, old, new):
        text = (copy / file).read_text()
        assert old in text
        originals.setdefault(copy / file, text)
        (copy / file).write_text(text.replace(old, new))

    yield written
    for path, text in originals.items():
        path.write_text(text)


TURNED = (
    "apoptosis=functional_preservation",
    "apoptosis/fitness=random",
    "apoptosis/heredity=reset",
)
ARMS = {
    "baseline": (),
    "spectral_gate": ("+idea=spectral_gate",),
    "placebo": ("+idea=placebo",),
    "both": ("+idea=[placebo,spectral_gate]",),
    "limiter": ("preset=saturation_limiter",),
    "muon": ("optimizer=muon",),
    "turnover": ("apoptosis=functional_preservation",),
    "reset by lot": TURNED,
}
WITH_RANKS = {**ARMS, "ranks": ("parallel=ddp",)}


@pytest.mark.parametrize(
    ("file", "old", "new", "moved"),
    [
        ("ideas/spectral_gate.py", "lerp(mean, 0.1)", "lerp(mean, 0.2)", {"spectral_gate", "both"}),
        ("ideas/placebo.py", '"ideas", ', '"idea", ', {"placebo", "both"}),
        ("effects/limiter.py", "1e-30", "1e-20", {"limiter"}),
        ("parts/optim/muon.py", "0.04594", "0.04595", {"muon"}),
        (
            "apoptosis/strategy.py",
            "ceil(self.rate",
            "round(self.rate",
            {"turnover", "reset by lot"},
        ),
        ("apoptosis/heredity/functional_preservation.py", "0.51", "0.52", {"turnover"}),
        ("apoptosis/heredity/reset.py", "* part.size", "+ part.size", {"reset by lot"}),
        ("apoptosis/fitness/random.py", "torch.rand", "torch.randn", {"reset by lot"}),
        ("apoptosis/surgery.py", "index, 0.0", "index, 1.0", set(ARMS)),
        ("training/step.py", "session.step += 1", "session.step += 2", set(ARMS)),
        ("recipe/streams.py", ">> 1", ">> 2", set(ARMS)),
        ("tasks/language.py", '"nats/token", worth', '"nats/token", "higher", worth', set(ARMS)),
        ("observers/checkpoint.py", "60.0", "61.0", set()),
        ("report/terminal.py", "def ", "def a", set()),
        ("answers/judging.py", "def ", "def a", set()),
    ],
)
def test_an_edit_moves_the_runs_that_use_the_file_and_no_others(
    settings_of, unedited, edit, file, old, new, moved
):
    edit(file, old, new)
    after = {arm: identify(settings_of(*overrides)) for arm, overrides in ARMS.items()}
    assert {arm for arm in ARMS if unedited[arm].key != after[arm].key} == moved
    assert {arm for arm in ARMS if unedited[arm].code != after[arm].code} == moved


WORDS = (
    ("ideas/spectral_gate.py", "TINY = 1e-30", "TINY = 1e-30  # as small as can be\n"),
    ("ideas/spectral_gate.py", '"""The idea and its controls."""', '"""Other words."""'),
    ("ideas/spectral_gate.py", '{"rho": 1}', '{"rho": 1.0}'),
    ("tasks/language.py", "validation loss", "loss on held-out text"),
    ("tasks/language.py", '"bits/byte"', '"bits a byte"'),
    ("errors.py", "choose from: ", "one of: "),
    ("errors.py", "did you mean", "perhaps"),
    ("reasons.py", "the {what} was", "{what} became"),
    ("config/schema/kinds.py", "is out of range: it must be", "must be"),
    ("config/schema/parameters.py", '"Args:"', '"Parameters:"'),
    ("config/schema/check.py", "is missing", "is not there"),
    ("parts/gpt.py", "it must divide", "choose a divisor"),
    ("budget.py", "choose one, and set the other to null", "set one of them to null"),
    ("data/source.py", "give more, or full", "give more"),
    ("data/source.py", "AuditionError\n", "AuditionError, choices\n"),
    ("parallel/messages.py", "ended with code", "left with code"),
    ("report/verdict_text.py", "same-seed correlation", "correlation over seeds"),
    ("text.py", "nats/token", "nats a token"),
    ("answers/arms.py", "Not like for like", "Not alike"),
)


def test_words_move_nothing(settings_of, unedited, edit):
    """All of them at once; which one of them does is told by the slow test below."""
    for file, old, new in WORDS:
        edit(file, old, new)
    assert {arm: identify(settings_of(*o)) for arm, o in WITH_RANKS.items()} == unedited


@pytest.mark.slow
@pytest.mark.parametrize(("file", "old", "new"), WORDS)
def test_no_words_move_anything(settings_of, unedited, edit, file, old, new):
    edit(file, old, new)
    assert {arm: identify(settings_of(*o)) for arm, o in WITH_RANKS.items()} == unedited


def test_a_digest_in_capitals_is_the_same_digest(settings_of, tmp_path):
    text = "To be, or not to be.\n" * 200
    path = tmp_path / "play.txt"
    path.write_text(text, encoding="utf-8")
    digest = sha256(text.encode()).hexdigest()
    where = ("data=tiny_shakespeare", f"data.path={path}")
    small, large = (settings_of(*where, f"data.sha256={d}") for d in (digest, digest.upper()))
    assert identify(small) == identify(large)
