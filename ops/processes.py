"""Child processes that end with their parent, ports nobody uses, and waiting for a condition with a bound."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

_PR_SET_PDEATHSIG = 1


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], Any], bound_s: float = 30.0, what: str = "the condition") -> Any:
    """Poll until the condition is true and answer it; fail after the bound."""
    bound = time.monotonic() + bound_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > bound:
            raise AssertionError(f"{what} did not come about within {bound_s} s")
        time.sleep(0.02)


def is_listening(port: int) -> bool:
    """Whether something accepts connections on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Child:
    """One child process with a log file, in a group of its own.

    On Linux it is killed when the thread that started it ends, so that nothing is left behind by a kill -9.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        log: Path,
        environ: Mapping[str, str] | None = None,
        user: str | None = None,
        folder: Path | None = None,
    ) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                list(arguments),
                env=None if environ is None else dict(environ),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                user=user,
                group="nogroup" if user == "nobody" else None,
                extra_groups=[] if user else None,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - it only calls prctl
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def terminate(self) -> None:
        """Ask it to end, without waiting."""
        if self.is_running:
            self._process.terminate()

    def stop(self, bound_s: float = 40.0, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and wait; kill it at the bound. Answers the exit code."""
        if self.is_running:
            self._process.send_signal(how)
        return self.end(bound_s)

    def end(self, bound_s: float) -> int:
        """Wait for its end; kill it at the bound. Answers the exit code."""
        try:
            return self._process.wait(bound_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait(10)

    def wait(self, bound_s: float) -> int:
        """Wait for its end; answers the exit code. Raises `subprocess.TimeoutExpired` at the bound."""
        return self._process.wait(bound_s)

    def kill(self) -> None:
        """kill -9 for it and its children, as a power cut would."""
        if self.is_running:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(10)

    def freeze(self) -> None:
        """Stop it without it noticing, as a long pause of the machine would; it stands still when this returns."""
        os.killpg(self.pid, signal.SIGSTOP)
        wait_until(lambda: not self.is_running or self._is_stopped(), what=f"a halt of {self.pid}")

    def _is_stopped(self) -> bool:
        return os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOWAIT | os.WNOHANG) is not None

    def thaw(self) -> None:
        """Go on after `freeze`."""
        os.killpg(self.pid, signal.SIGCONT)

    def tail(self, characters: int = 2_000) -> str:
        """The end of what it logged."""
        return self.log.read_text(errors="replace")[-characters:]


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
