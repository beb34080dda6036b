"""Plans and races as a user meets them: what is written first, and what departs from it."""

import json
from typing import Any

from audition.answers.match import PLANNED


def verdict(place: Any, *words: str) -> dict[str, Any]:
    (only,) = json.loads(place.read("verdict", "--json", *words).stdout)
    assert isinstance(only, dict)
    return only


def test_a_verdict_keeps_to_its_plan_or_says_where_it_departs(place: Any) -> None:
    first = place.train("+idea=placebo", "seed=1,2", "-m")
    assert first.returncode == 0, first.stderr
    assert "as planned" in first.stdout
    (plan,) = (place.output / "plans").glob("*.json")
    planned = json.loads(plan.read_text())
    assert [arm["name"] for arm in planned["arms"]] == ["placebo"]
    assert planned["arms"][0]["seeds"] == planned["baseline_seeds"] == [1, 2]
    assert planned["arms"][0]["cards"].keys() == {"placebo"}
    assert (planned["alpha"], planned["sesoi"]) == (0.05, 0.005)
    assert "the default of this measure" in " ".join(first.stdout.split())
    assert {r["plan"] for r in place.records().values()} == {plan.stem}
    assert verdict(place)["standing"] == "as planned"
    assert verdict(place, "--alpha", "0.1")["departures"] == ["α is 0.1, and the plan's 0.05"]

    more = place.train("+idea=placebo", "seed=1,2,3", "-m")
    assert more.returncode == 0, more.stderr
    assert "Exploratory: seed 3 added to the plan." in " ".join(more.stdout.split())
    today = verdict(place)
    assert (today["standing"], today["other"]["standing"]) == ("exploratory", "as planned")
    assert today["other"]["plan"] == plan.stem
    kept = verdict(place, "--plan", plan.stem[:8])
    assert (kept["standing"], kept["n"]) == ("as planned", 2)
    assert verdict(place, "--plan", "placebo") == kept
    assert verdict(place, "--plan", "latest")["n"] == 3
    shown = " ".join(place.read("verdict").stdout.split())
    assert f"The plan {plan.stem[:8]}, on its own runs alone" in shown
    assert shown.index(f"audition verdict --plan {plan.stem[:8]}") < shown.index("today:")
    wrong = place.read("verdict", "--plan", "nope")
    assert (wrong.returncode, "there is no plan 'nope'" in wrong.stderr) == (2, True)
    both = place.read("verdict", "--plan", "latest", "--alpha", "0.1")
    assert both.stderr == "audition: --plan judges as the plan says: leave out --alpha\n"


def test_other_arithmetic_is_said_and_refused_where_it_is_asked_for(place: Any) -> None:
    ended = place.train("+idea=placebo", "seed=1", "analysis.margin=0.3", "-m")
    assert ended.returncode == 0, ended.stderr
    judged = verdict(place)
    assert (judged["sesoi"], judged["sesoi_from"]) == (0.3, PLANNED)
    (path,) = place.output.glob("runs/placebo/*/seed_1/record.json")
    record = json.loads(path.read_text())
    torch = record["arithmetic"]["torch"]
    path.write_text(json.dumps({**record, "arithmetic": {**record["arithmetic"], "torch": "9"}}))
    said = f"Made with other arithmetic: torch is 9 against {torch}."
    shown = " ".join(place.read("verdict").stdout.split())
    assert f"note {said}" in shown
    assert place.read("verdict", "--json", "--strict").returncode == 2
    assert place.read("verdict", "--strict").stderr == (
        f"audition: --strict refuses placebo: {said}\n"
    )
    path.write_text(json.dumps(record))
    assert place.read("verdict", "--strict").returncode == 0


def test_a_race_drops_on_screening_seeds_and_judges_on_fresh_ones(place: Any) -> None:
    command = (
        "hydra/sweeper=race",
        "hydra.sweeper.fresh_seeds=2",
        "optimizer.lr=0.008,0.0000001",
        "seed=1,2",
        "-m",
    )
    raced = place.train(*command)
    assert raced.returncode == 0, raced.stderr
    seeds: dict[str, set[int]] = {}
    for record in place.records().values():
        seeds.setdefault(record["arm"], set()).add(record["seed"])
    assert seeds["baseline"] == {1, 2, 512, 1024}
    # In three steps twice the rate learns more, and next to no rate learns nothing.
    assert sorted(map(sorted, seeds.values())) == [[1], [1, 2, 512, 1024], [1, 2, 512, 1024]]
    assert "Dropped" in raced.stdout
    assert "Promoted" in raced.stdout
    runs = sum(len(own) for arm, own in seeds.items() if arm != "baseline")
    assert f"{runs} runs of ideas, against 8 had every idea run every seed" in raced.stderr
    verdicts = json.loads(place.read("verdict", "--json").stdout)
    finalists = [v for v in verdicts if v["tier"] == "confirmed"]
    assert [v["seeds"] for v in finalists] == [[512, 1024]]
    assert {v["standing"] for v in verdicts} == {"as planned"}
    assert len(list((place.output / "races").glob("*.json"))) == 1

    again = place.train(*command)
    assert again.returncode == 0, again.stderr
    assert again.stdout == raced.stdout


def test_a_registered_report_has_two_parts_and_names_only_arms_that_there_are(place: Any) -> None:
    words = ("+idea=placebo", "optimizer.lr=0.008,0.004", "seed=1,2", "-m")
    wrong = place.train(*words, "analysis.primary=['optimizer.lr=0.08']")
    assert wrong.returncode == 2
    assert "analysis.primary: the sweep has no arm 'optimizer.lr=0.08'" in wrong.stderr
    lost = place.train(*words, "analysis.expects=worse")
    assert lost.returncode == 2
    assert "analysis.expects=worse says what is expected of the arms" in lost.stderr
    assert not list(place.output.glob("runs/*"))

    arm = "'+idea=placebo optimizer.lr=0.008'"
    ended = place.train(*words, f"analysis.primary=[{arm}]", "analysis.margin=0.5")
    assert ended.returncode == 0, ended.stderr
    first, _ = ended.stdout.split("Exploratory: nothing from here on")
    assert "Confirmatory: the registered tests" in first
    assert "placebo,optimizer.lr=0.008: " in first
    assert "placebo,optimizer.lr=0.004" not in first
    (plan,) = (place.output / "plans").glob("*.json")
    planned = json.loads(plan.read_text())
    assert planned["sesoi"] == 0.5
    assert len(planned["primary"]) == 1
    parts = [each["part"] for each in json.loads(place.read("verdict", "--json").stdout)]
    assert parts == ["confirmatory", "exploratory", "exploratory"]
