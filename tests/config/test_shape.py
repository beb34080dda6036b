"""The root of a config: what it must hold, and where `~` is the home folder."""

from pathlib import Path
from typing import Any

import pytest

from audition.config.groups import GROUPS, holding
from audition.config.root import check_seed
from audition.config.schema import signature
from audition.config.shape import check_keys, check_shape, expanded
from audition.errors import AuditionError


def test_every_plain_value_of_the_root_has_a_type() -> None:
    typed = signature("audition.config.shape.Values").settings
    assert set(typed) == {group.name for group in holding("value")}


@pytest.mark.parametrize("name", [g.name for g in holding("part", "section", "value")])
def test_whatever_is_taken_out_is_missed(settings_of: Any, name: str) -> None:
    left = {key: value for key, value in settings_of().items() if key != name}
    if name == "cards":  # ideas may come without
        check_shape(left)
    else:
        with pytest.raises(AuditionError, match=f"^there is no {name}, and a run needs it: "):
            check_shape(left)


@pytest.mark.parametrize("name", [g.name for g in holding("part", "section")])
@pytest.mark.parametrize("value", [None, 5, "text", True, [1]])
def test_one_value_is_no_part_and_no_section(settings_of: Any, name: str, value: object) -> None:
    with pytest.raises(AuditionError, match=rf"^(there is no {name},|{name}=.* is not a )"):
        check_keys({**settings_of(), name: value})
    check_keys({**settings_of(), name: "${elsewhere}"})


@pytest.mark.parametrize("name", [g.name for g in holding("named parts")])
def test_named_parts_are_a_mapping_or_none(settings_of: Any, name: str) -> None:
    check_shape({**settings_of(), name: None})
    with pytest.raises(AuditionError, match=f"^{name}=5 is no "):
        check_shape({**settings_of(), name: 5})


def test_a_tilde_is_the_home_folder(
    settings_of: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = settings_of()
    paths = {"output_dir": "~/runs", "cache_dir": "./~/cache"}
    data = {**settings["data"], "cache_dir": "~", "path": "~/text"}
    found = expanded({**settings, "paths": paths, "data": data})
    assert found["paths"] == {"output_dir": f"{tmp_path}/runs", "cache_dir": "./~/cache"}
    assert (found["data"]["cache_dir"], found["data"]["path"]) == (
        str(tmp_path),
        f"{tmp_path}/text",
    )
    assert {k: v for k, v in found.items() if k not in ("paths", "data")} == {
        k: v for k, v in settings.items() if k not in ("paths", "data")
    }
    with pytest.raises(
        AuditionError, match=r"paths\.output_dir='~nobody-here/x': this machine has no"
    ):
        expanded({**settings, "paths": {**paths, "output_dir": "~nobody-here/x"}})
    assert GROUPS["data"].local == ("cache_dir", "path")


@pytest.mark.parametrize(
    ("given", "seed"), [(0, 0), (7, 7), ("0", 0), ("7", 7), ("1_000", 1000), (2**63 - 1, 2**63 - 1)]
)
def test_a_seed(given: object, seed: int) -> None:
    assert check_seed(given) == seed


@pytest.mark.parametrize(
    "given", ["007", "00", "-1", "1e3", "", " 7", "٣", "1__0", "9" * 30, 7.0, True, None, -1, 2**63]
)
def test_what_is_no_seed(given: object) -> None:
    with pytest.raises(AuditionError, match="is not a seed: it must be a whole number from 0 up"):
        check_seed(given)
