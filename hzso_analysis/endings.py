"""How a command ends: errors as one plain message, the same tidying up for Ctrl-C, SIGTERM and a closed terminal."""

from __future__ import annotations

import inspect
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import click

HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
INTERRUPTED = 130
AGAIN = 0.05  # seconds after which an interrupt is tried again
# what contract records need and the extra that has it
EXTRAS = {"duckdb": "ledger", "ibis": "ledger", "pyarrow": "ledger", "pyspark": "spark"}


class Command(click.Command):
    """A command whose docstring ends with examples; `--help` shows them below the options."""

    def __init__(self, *, help: str | None, **settings: Any) -> None:
        text, heading, examples = inspect.cleandoc(help or "").partition("Examples:\n")
        super().__init__(help=text, epilog=f"\b\n{heading}{examples}", **settings)


@contextmanager
def plain_errors(after: str) -> Iterator[None]:
    """Turn the user's mistakes and faults in the data into a message; `after` says how things stand after Ctrl-C.

    >>> with plain_errors("nothing was changed"):
    ...     raise ValueError("year: found 20111")
    Traceback (most recent call last):
    click.exceptions.UsageError: year: found 20111
    """
    try:
        with _ended_like_interrupted():
            yield
    except (KeyboardInterrupt, click.Abort) as error:
        running = f" in {error}" if str(error) else ""
        click.echo(f"\ninterrupted{running}; {after}", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        raise  # click ends quietly where the reader of a pipe has seen enough
    except (OSError, ValueError) as error:
        # what has faults is a DataError, whose module may not have been imported yet
        no_misuse = isinstance(error, OSError) or hasattr(error, "faults")
        raise (click.ClickException if no_misuse else click.UsageError)(str(error)) from None
    except ImportError as error:
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        line = f'pip install "hzso-analysis[{extra}]"'
        raise click.ClickException(f"{error.name} is not installed; install it with: {line}") from None


@contextmanager
def _ended_like_interrupted() -> Iterator[None]:
    """Tidy up also where the system or a closed terminal ends the program, and not only Ctrl-C."""
    names = ("SIGINT", "SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    before = {getattr(signal, name): signal.getsignal(getattr(signal, name)) for name in names if hasattr(signal, name)}
    # what is ignored stays so, by nohup for instance
    before = {n: handler for n, handler in before.items() if handler in (signal.SIG_DFL, signal.default_int_handler)}
    for number in before:
        signal.signal(number, _interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, but not in the midst of the machinery of imports, which would stay locked."""
    if frame and "importlib" in frame.f_code.co_filename:
        threading.Timer(AGAIN, os.kill, (os.getpid(), number)).start()
        return
    raise KeyboardInterrupt
