"""Print one table of timings and ratios."""

import platform
import tempfile
from pathlib import Path

from audition.provenance import provenance
from scripts.bench import commands, step


def main() -> None:
    """Every row, in a ledger of its own that is thrown away."""
    facts = provenance()["hardware"]
    print(f"{facts['processor']}, {facts['cores']} cores, Python {platform.python_version()}\n")
    print("| what | ours | other | unit | ratio | bound |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for part in (step.rows, commands.overhead, commands.startup):
            for row in part(Path(folder)):
                print(row, flush=True)


if __name__ == "__main__":
    main()
