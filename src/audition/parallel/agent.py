"""`python -m audition.parallel.agent N`: torchrun's agent starts N ranks and reports their exits."""

import logging
import signal
import sys
from contextlib import suppress
from tempfile import TemporaryDirectory
from uuid import uuid4

from audition.parallel.messages import say


def main(processes: int) -> int:
    """Start the ranks on a free port of this machine; once one of them ends badly, end the others."""
    # A cluster warns every process of a job that its time is up: the worker's wish is what counts.
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, signal.SIG_IGN)
    logging.disable(logging.ERROR)  # the worker reports it in a sentence
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    with TemporaryDirectory(prefix="audition-ranks-") as folder:
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=processes,
            run_id=uuid4().hex,
            rdzv_backend="c10d",
            rdzv_endpoint="localhost:0",
            local_addr="localhost",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
        )
        try:
            elastic_launch(config, sys.executable)("-m", "audition.parallel.rank")
        except ChildFailedError as error:
            codes = {rank: failure.exitcode for rank, failure in error.failures.items()}
            with suppress(OSError):  # the worker has died
                say(sys.stdout.fileno(), ended=codes)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
