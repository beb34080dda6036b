"""What cannot be trained in several processes is refused before anything has started."""

import os
import socket
from collections.abc import Mapping
from typing import Any

from audition.errors import AuditionError, choices
from audition.machine import gpus

FSDP = "audition.parallel.fsdp.Fsdp"
NO_MEMORY = "audition.observers.memory.NoMemory"


def processes_of(settings: Mapping[str, Any]) -> int:
    """Processes that the run of `settings` is trained in."""
    return int(settings["parallel"].get("processes", 1))


def nodes_of(settings: Mapping[str, Any]) -> int:
    """Nodes that those processes are spread over."""
    return int(settings["parallel"].get("nodes", 1))


def processes_here(settings: Mapping[str, Any]) -> int:
    """Processes that one machine has of the run of `settings`."""
    return processes_of(settings) // nodes_of(settings)


def check_parallel(settings: Mapping[str, Any]) -> None:
    """Raises AuditionError where the processes could not have equal shares of a batch, or of nodes.

    And where torchrun has started us: ranks that it made would all compose, claim and file the run.
    """
    processes, nodes = processes_of(settings), nodes_of(settings)
    if processes % nodes:
        raise AuditionError(
            f"parallel.processes={processes} cannot be spread evenly over parallel.nodes={nodes}: "
            f"choose a multiple of {nodes}"
        )
    if processes == 1:
        return
    if settings["parallel"]["_target_"] == FSDP and settings["execution"]["compile"]:
        raise AuditionError(
            "execution.compile=true compiles a model that parallel=fsdp gathers layer by layer: choose "
            "compile=false, or parallel=ddp"
        )
    if settings["parallel"]["_target_"] == FSDP and settings["memory"]["_target_"] != NO_MEMORY:
        raise AuditionError(
            "memory keeps whole weights, of which every process of parallel=fsdp has a part: choose "
            "memory=none, or parallel=ddp"
        )
    rows = settings["data"]["batch_size"]
    if rows % processes:
        fitting = [str(n) for n in range(1, rows + 1) if rows % n == 0]
        raise AuditionError(
            f"data.batch_size={rows} cannot be shared equally by parallel.processes={processes}: "
            f"choose from: {', '.join(fitting)}, or another batch size"
        )
    chosen = settings["parallel"]["_target_"].rsplit(".", 2)[1]
    started = os.environ.get("WORLD_SIZE", "1")
    if started != "1":
        raise AuditionError(
            f"parallel={chosen} starts its own processes, and this is already one of {started} "
            f"(WORLD_SIZE): leave torchrun out and say parallel.processes={started}"
        )


def check_cards(settings: Mapping[str, Any]) -> None:
    """Raises AuditionError where the run's processes cannot have a card each on this machine."""
    processes, here = processes_here(settings), len(gpus())
    if settings["execution"]["device"] == "cuda" and processes > 1 and here < processes:
        raise AuditionError(
            f"parallel.processes={processes} on cuda need a card each, and this machine has {here}: "
            f"choose {max(here, 1)} or fewer, or execution.device=cpu"
        )


def check_nodes(settings: Mapping[str, Any]) -> None:
    """Raises AuditionError where this process is not in a Slurm job of as many nodes as the run has."""
    if nodes_of(settings) > 1:
        check_job(nodes_of(settings))


def check_job(nodes: int) -> None:
    """Raises AuditionError where this process is not in a Slurm job of at least so many nodes."""
    job = os.environ.get("SLURM_JOB_ID")
    here = int(os.environ.get("SLURM_JOB_NUM_NODES", "1"))
    if job is None:
        raise AuditionError(
            f"parallel.nodes={nodes}, and this is one machine: choose 1, or submit the run to a "
            "cluster with hydra/launcher=slurm -m"
        )
    if here < nodes:
        raise AuditionError(
            f"parallel.nodes={nodes}, and Slurm job {job} has {here}: choose {here}, or ask for more"
        )


INTERFACE = "GLOO_SOCKET_IFNAME"


def check_interface(settings: Mapping[str, Any]) -> None:
    """Raises AuditionError where the run's processes are to meet on an interface that is not here."""
    named = os.environ.get(INTERFACE)
    if processes_of(settings) == 1 or not named:
        return
    here = {name for _, name in socket.if_nameindex()}
    for name in named.split(","):
        if name not in here:
            raise AuditionError(
                f"{INTERFACE}={named}: this machine has no network interface '{name}'"
                f"{choices(name, here)}; unset, it is the one that every machine has"
            )
