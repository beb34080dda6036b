"""The door: what composes in Hydra and would train something else is refused."""

import pytest

from audition.config.root import check
from audition.errors import AuditionError


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("+optmizer=muon", r"unknown key 'optmizer'; did you mean 'optimizer'\?"),
        ("+optimizer.lrr=1", r"optimizer\.lrr is not a setting .* did you mean 'lr'\?"),
        ("+ideas.spectral_gate.rho=0.1", r"ideas\.spectral_gate has no _target_"),
        ("optimizer._target_=os.system", r"optimizer\._target_=os\.system is not allowed"),
        ("optimizer.lr=-1", r"optimizer\.lr=-1"),
        ("budget.steps=0", r"budget\.steps=0"),
        ("+training.clp=1", r"training\.clp is not a setting"),
        ("seed=-1", "seed=-1 is not a seed"),
        ("seed=1.5", "seed=1.5 is not a seed"),
        ("seed=true", "seed=True is not a seed"),
    ],
)
def test_refused(settings_of, override, sentence):
    with pytest.raises(AuditionError, match=sentence):
        settings_of(override)


def test_a_card_without_its_idea_is_refused(settings_of):
    settings = settings_of("+idea=placebo")
    with pytest.raises(AuditionError, match="a card of 'placebo' but no idea of that name"):
        check({**settings, "ideas": {}})
    with pytest.raises(AuditionError, match="idea 'placebo' has no card"):
        check({**settings, "cards": {}})


@pytest.mark.parametrize("group", ["optimizer", "apoptosis"])
def test_a_group_without_a_part_is_refused(settings_of, group):
    with pytest.raises(AuditionError, match=f"{group}=None is not a part"):
        check({**settings_of(), group: None})
