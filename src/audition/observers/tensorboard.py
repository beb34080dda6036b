"""A mirror of `metrics.jsonl` in TensorBoard's format."""

from pathlib import Path

from audition.errors import AuditionError
from audition.observers.metrics import scalars
from audition.observers.observer import Observer, StepReport
from audition.session import Session


class TensorBoard(Observer):
    """Writes event files into the run's own folder; the horizontal axis is tokens."""

    def __init__(self, folder: Path, *, every: int = 10) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise AuditionError(
                "logger=tensorboard needs the package tensorboard: "
                "pip install 'audition[tensorboard]'"
            ) from None
        self.every = every
        self.writer = SummaryWriter(str(folder / "tensorboard"))

    def on_step(self, session: Session, report: StepReport) -> None:
        if session.step % self.every == 0:
            self._write(session, scalars(session, report))

    def on_evaluation(self, session: Session) -> None:
        self._write(session, dict(session.evaluations[-1].metrics))

    def on_end(self, session: Session, status: str) -> None:
        self.writer.close()

    def _write(self, session: Session, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, session.tokens)
