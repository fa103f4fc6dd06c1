"""The logs of a run: lines for people, metrics for plots, one progress bar."""

import contextlib
import json
import logging
import math
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from asr.training.distributed import DistributedContext
from asr.util.errors import UserError
from asr.util.files import write_text
from asr.util.printable import printable_lines

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

METRICS_NAME = "metrics.jsonl"
LOG_NAME = "train.log"
log = logging.getLogger("asr")
Item = TypeVar("Item")


class MetricLogger:
    """Writes `train.log`, `metrics.jsonl`, TensorBoard's events and the terminal.

    Only the main process writes. A resumed run drops the metrics that were logged after its state
    was saved, so that every epoch is logged once.

    Args:
        run_dir: where the files go.
        context: this process among the others.
        finished_epochs: logged epochs that are kept.
        total_audio_s: seconds of audio in the whole run, for the bar.
        done_audio_s: seconds of audio that the run has consumed.
        epoch_audio_s: seconds of audio that the present epoch has consumed.
        elapsed_s: time spent on the present epoch so far.
        tensorboard: whether to write its events.
    """

    def __init__(
        self,
        run_dir: Path,
        context: DistributedContext,
        *,
        finished_epochs: int,
        total_audio_s: float,
        done_audio_s: float,
        epoch_audio_s: float,
        elapsed_s: float,
        tensorboard: bool,
    ) -> None:
        self.metrics_path = run_dir / METRICS_NAME
        self.started = time.monotonic() - elapsed_s
        self.audio_s = epoch_audio_s
        self.waited_s = self.worked_s = 0.0
        self.is_main = context.is_main
        self.events: SummaryWriter | None = None
        if not self.is_main:
            return
        self._drop_after(finished_epochs)
        if tensorboard:
            from torch.utils import tensorboard as tb  # takes a second to import

            self.events = tb.SummaryWriter(run_dir / "events", purge_step=finished_epochs + 1)
        self.redirect = logging_redirect_tqdm([log])
        self.bar = tqdm(
            total=round(total_audio_s), initial=round(done_audio_s), disable=None,
            unit="s", unit_scale=True, smoothing=0.05, dynamic_ncols=True,
        )  # fmt: skip
        self.redirect.__enter__()

    def _drop_after(self, epochs: int) -> None:
        if self.metrics_path.exists():
            lines = self.metrics_path.read_text(encoding="utf-8").splitlines(keepends=True)
            write_text(self.metrics_path, "".join(lines[:epochs]))

    @property
    def elapsed_s(self) -> float:
        """Time spent on the present epoch, before an interruption too."""
        return time.monotonic() - self.started

    def watch(self, batches: Iterable[Item]) -> Iterator[Item]:
        """Pass batches on, and measure how long the steps wait for them and how long they work."""
        asked = time.monotonic()
        for batch in batches:
            given = time.monotonic()
            self.waited_s += given - asked
            yield batch
            asked = time.monotonic()
            self.worked_s += asked - given

    @property
    def waited(self) -> float:
        """The share of the present epoch's steps, 0..1, that waited for batches; NaN without steps.

        Steps before an interruption do not count.
        """
        stepped_s = self.waited_s + self.worked_s
        return self.waited_s / stepped_s if stepped_s else math.nan

    def step(self, epoch: int, loss: float, audio_s: float) -> None:
        """Log one update: show its loss per utterance, and move the bar by its audio."""
        self.audio_s += audio_s
        if self.is_main:
            self.bar.set_description(f"epoch {epoch}  loss {loss:.2f}", refresh=False)
            self.bar.update(round(audio_s, 1))

    def epoch(self, numbers: dict[str, Any], examples: list[tuple[str, str]], best: bool) -> None:
        """Log a finished epoch: one line of JSON, one line for people, a few transcripts.

        JSON has null, and a person reads "unknown", where a number is not finite.
        """
        elapsed_s = self.elapsed_s
        speed = self.audio_s / elapsed_s if elapsed_s else math.nan
        numbers = numbers | {"speed": speed, "elapsed_s": elapsed_s}
        self.started, self.audio_s = time.monotonic(), 0.0
        self.waited_s = self.worked_s = 0.0
        if not self.is_main:
            return
        with self.metrics_path.open("a", encoding="utf-8") as file:
            known = {
                name: value if math.isfinite(value) else None for name, value in numbers.items()
            }
            file.write(json.dumps(known, allow_nan=False) + "\n")
        if self.events is not None:
            for name, value in numbers.items():
                self.events.add_scalar(name, value, numbers["epoch"])
            self.events.flush()
        self.bar.set_postfix_str(f"dev WER {100 * numbers['dev_wer']:.1f} %", refresh=False)
        log.info("%s%s", format_epoch(numbers), "  best" if best else "")
        for reference, hypothesis in examples:
            log.info("    reference   %s\n    hypothesis  %s", reference, hypothesis)

    def close(self) -> None:
        """Close the bar and the files."""
        if self.is_main:
            self.redirect.__exit__(None, None, None)
            self.bar.close()
            if self.events is not None:
                self.events.close()


def format_epoch(numbers: dict[str, Any]) -> str:
    """Write an epoch's metrics in one line."""
    line = (
        f"epoch {numbers['epoch']:3d}  loss {numbers['loss']:7.3f}  dev {numbers['dev_loss']:7.3f}"
        f"  WER {100 * numbers['dev_wer']:6.2f} %  CER {100 * numbers['dev_cer']:6.2f} %"
        f"  lr {numbers['lr']:.1e}  norm {numbers['norm']:.2f}"
        f"  {numbers['speed']:.0f} x real time  {numbers['elapsed_s']:.0f} s"
        f"  waited {100 * numbers['waited']:.0f} %"
    )
    return re.sub(r"\b(nan|inf)\b", "unknown", line)


class _Printable(logging.Formatter):
    """Escapes control characters, which a terminal would obey, in the lines of the log."""

    def format(self, record: logging.LogRecord) -> str:
        return printable_lines(super().format(record))


class _LogFile(logging.FileHandler):
    """Writes `train.log` while the disk has space; the terminal shows every line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the library's name)
        """Skip a line that could not be written, instead of printing a traceback."""

    def close(self) -> None:
        """Close the file, even if some of its lines could not be written."""
        with contextlib.suppress(OSError):
            super().close()


@contextlib.contextmanager
def open_log(run_dir: Path, context: DistributedContext) -> Iterator[None]:
    """Send the log's lines to the terminal and to `train.log`, from the main process alone.

    Raises:
        UserError: the run folder cannot be made or written to.
    """
    handlers: list[logging.Handler] = []
    if context.is_main:
        try:
            run_dir.mkdir(parents=True, exist_ok=True)
            file = _LogFile(run_dir / LOG_NAME, encoding="utf-8")
        except OSError as error:
            reason = f"{error.filename}: {error.strerror}"
            raise UserError(f"run_dir: cannot be written to ({reason}); choose another") from error
        terminal = logging.StreamHandler()
        terminal.addFilter(lambda record: record.levelno < logging.ERROR)  # asr prints errors
        handlers = [terminal, file]
    log.propagate = False
    log.setLevel(logging.INFO if context.is_main else logging.ERROR)
    for handler in handlers:
        handler.setFormatter(_Printable())
        log.addHandler(handler)
    try:
        yield
    finally:
        for handler in handlers:
            log.removeHandler(handler)
            handler.close()


@contextlib.contextmanager
def log_user_errors(context: DistributedContext) -> Iterator[None]:
    """Write the `UserError` that ends a run to `train.log` too."""
    try:
        yield
    except UserError as error:
        if context.is_main:
            log.error("stopped: %s", error)
        raise
