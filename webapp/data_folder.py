"""One process owns a data folder: an exclusive lock on a file in it."""

import fcntl
import os
import time
from pathlib import Path

WAIT_FOR_PREDECESSOR_S = 5.0


class DataFolderInUse(Exception):
    """Another process holds the folder."""


def take_data_folder(data_dir: Path, wait_s: float = WAIT_FOR_PREDECESSOR_S) -> int:
    """Lock the folder until this process and its children end; answers the lock's file descriptor.

    A process that was killed leaves a worker behind that notices within a second, so it is waited for. Raises
    `DataFolderInUse` with a sentence for the user.
    """
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    bound = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > bound:
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip() or "unknown"
                os.close(descriptor)
                raise DataFolderInUse(
                    f"The data folder {data_dir} is in use by another Waybill (process {holder})."
                    " Stop that one first, or set WAYBILL_DATA_DIR to another folder."
                ) from None
            time.sleep(0.1)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor
