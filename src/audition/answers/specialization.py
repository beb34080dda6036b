"""How specialised the units of a run are: by layer, by unit, and what became of them over time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from audition.answers.lineage.family import Family
from audition.records.lineage import Lineage
from audition.records.profiles import Profiles

SPECIALIST = 0.25
"""A unit whose responses are spread among at most this share of the tokens is a specialist."""
TWINS = 0.95
"""A unit whose responses have at least this correlation with another's is redundant."""


@dataclass(frozen=True)
class Look:
    """One unit at one look."""

    step: int
    site: str
    tokens: tuple[str, ...]  # the strongest
    share: float
    effective: float
    among: int
    kind: str  # the class
    kind_share: float
    writes: str  # the token whose logit it raises most; empty if unknown
    writes_z: float | None
    redundancy: float
    twin: int  # id
    drift: float | None

    @property
    def specialist(self) -> bool:
        """Whether few tokens have most of its responses."""
        return self.effective <= SPECIALIST * self.among


Careers = Mapping[int, Sequence[Look]]
"""Id of a unit -> how it looked, in the order of time."""


def careers(profiles: Iterable[Profiles], family: Family | None = None) -> Careers:
    """The looks of every unit, by the ids that the run's lineage gives; by place without one.

    A look at a site whose units the lineage does not know (it began later) is left out.
    """
    lines = list(profiles)
    if family is None:
        counts: dict[str, int] = {}
        for line in lines:
            counts.setdefault(line.site, len(line.tokens))
        lineage = Lineage.begin(counts)
    else:
        lineage = family.lineage
    found: dict[int, list[Look]] = {}
    for line in lines:
        ids = _ids_at(lineage, line)
        for slot, i in enumerate(ids):
            found.setdefault(i, []).append(_look(line, slot, ids))
    return found


def _ids_at(lineage: Lineage, line: Profiles) -> Sequence[int]:
    before = [turn for turn in lineage.turns if turn.step <= line.step and turn.site == line.site]
    ids = lineage.founders.get(line.site, ())
    for turn in before:
        ids = turn.after(ids)
    known = len(ids) == len(line.tokens) and line.step >= lineage.since
    return ids if known else ()


def _look(line: Profiles, slot: int, ids: Sequence[int]) -> Look:
    writes = line.writes[slot] if line.writes else None
    return Look(
        step=line.step,
        site=line.site,
        tokens=tuple(line.texts[str(t)] for t in line.tokens[slot]),
        share=line.share[slot] or 0.0,
        effective=line.effective[slot] or float(line.among),
        among=line.among,
        kind=line.classes[line.kind[slot]],
        kind_share=line.kind_share[slot] or 0.0,
        writes="" if writes is None else line.texts[str(writes)],
        writes_z=line.writes_z[slot] if line.writes else None,
        redundancy=line.redundancy[slot] or 0.0,
        twin=ids[line.twin[slot]],
        drift=line.drift[slot],
    )


def specialization(found: Careers, family: Family | None = None, most: int = 10) -> dict[str, Any]:
    """The run's units as data: each layer at each look, the strongest specialists, and careers."""
    looks = [look for each in found.values() for look in each]
    last = max(look.step for look in looks)
    now = {i: each[-1] for i, each in found.items() if each[-1].step == last}
    first = sorted(now, key=lambda i: (now[i].effective / now[i].among, i))
    return {
        "among": looks[0].among,
        "looks": sorted({look.step for look in looks}),
        "layers": _layers(looks),
        "classes": _classes(now.values()),
        "specialists": [{"unit": i, **_told(now[i])} for i in first[:most]],
        "careers": _careers(found, family),
        "longest_careers": [
            {"unit": i, "site": found[i][0].site, "stages": stages_of(found[i])}
            for i in _most_changed(found, most // 2)
        ],
    }


def _layers(looks: Sequence[Look]) -> list[dict[str, Any]]:
    """A row a layer and look."""
    groups: dict[tuple[int, str], list[Look]] = {}
    for look in looks:
        groups.setdefault((look.step, look.site), []).append(look)
    return [
        {
            "step": step,
            "site": site,
            "units": len(each),
            "effective": _mean(look.effective for look in each),
            "specialists": sum(look.specialist for look in each),
            "redundant": sum(look.redundancy >= TWINS for look in each),
            "redundancy": _mean(look.redundancy for look in each),
            "drift": _mean(look.drift for look in each if look.drift is not None),
        }
        for (step, site), each in groups.items()
    ]


def _classes(looks: Iterable[Look]) -> dict[str, int]:
    """Class -> units that respond to it most."""
    counts: dict[str, int] = {}
    for look in looks:
        counts[look.kind] = counts.get(look.kind, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def stages_of(looks: Sequence[Look]) -> list[dict[str, Any]]:
    """A unit's career: the classes that it responded to most, from which look to which."""
    stages: list[dict[str, Any]] = []
    for look in looks:
        if stages and stages[-1]["class"] == look.kind:
            stages[-1] |= {"until": look.step, "token": look.tokens[0]}
        else:
            stages.append(
                {
                    "class": look.kind,
                    "from": look.step,
                    "until": look.step,
                    "token": look.tokens[0],
                }
            )
    return stages


def _careers(found: Careers, family: Family | None) -> dict[str, Any]:
    """How steady units are: of founders, and of those that were made during the run."""
    groups: dict[str, list[Sequence[Look]]] = {}
    for i, looks in found.items():
        made = family is not None and family.units[i].born > family.lineage.since
        if len(looks) > 1:
            groups.setdefault("made during the run" if made else "from the start", []).append(looks)
    return {
        name: {
            "units": len(each),
            "steady": sum(len(stages_of(looks)) == 1 for looks in each),
            "stages": _mean(len(stages_of(looks)) for looks in each),
            "effective_first": _mean(looks[0].effective for looks in each),
            "effective_last": _mean(looks[-1].effective for looks in each),
        }
        for name, each in groups.items()
    }


def _most_changed(found: Careers, most: int) -> list[int]:
    many = {i: len(stages_of(looks)) for i, looks in found.items()}
    return sorted((i for i in many if many[i] > 1), key=lambda i: (-many[i], i))[:most]


def _told(look: Look) -> dict[str, Any]:
    return {**vars(look), "tokens": list(look.tokens), "specialist": look.specialist}


def _mean(values: Iterable[float]) -> float | None:
    each = list(values)
    return sum(each) / len(each) if each else None
