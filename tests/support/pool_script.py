"""A sweep as a process of its own, for tests that kill or interrupt it: MODE FOLDER GRACE_S."""

import sys
from pathlib import Path

from audition.sweep.pool import Display, End, Job, PoolSettings, run_pool


def main(mode: str, folder: Path, grace_s: float) -> None:
    if mode == "torch":
        jobs = [Job("t", "g", {"do": "torch_threads"})]
    else:
        names = [("hang", "one"), (mode, "two"), ("hang", "never started")]
        jobs = [Job(name, "g", {"do": do, "out": str(folder / name)}) for do, name in names]
    preload = ("torch",) if mode == "torch" else ()

    def on_end(job: Job, end: End) -> None:
        print(job.label, end.status, end.exit_code, flush=True)

    class Show(Display):
        def progress(self, job: Job, report: object) -> None:
            print(report, flush=True)

    settings = PoolSettings(
        workers=2, threads=2, preload=preload, entry="pool_entries:work", grace_s=grace_s
    )
    run_pool(jobs, settings, on_end=on_end, display=Show())
    print("torch in the parent:", "torch" in sys.modules)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
