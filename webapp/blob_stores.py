"""Where pictures are: files of the data folder, or GridFS of the event store's MongoDB when several processes serve."""

import io
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from backend_services.settings import Settings


@dataclass(frozen=True)
class Blob:
    """A blob to be sent: its file, or its bytes; and since when it has been kept (UTC)."""

    content: Path | io.BytesIO
    kept_at: datetime


class BlobStore(Protocol):
    """Keeps blobs under names that are made of the hash of their content: a blob never changes.

    - `keep` stores the blob whole or not at all; one that it returned from survives a crash. Keeping it again, even at
      the same moment from another process, changes nothing.
    - `find` returns the blob, or None.
    - Both raise `StoreUnavailable` when the store is on another machine and can't be reached.
    """

    def keep(self, name: str, content: bytes) -> None: ...
    def find(self, name: str) -> Blob | None: ...


def open_blob_store(settings: Settings) -> BlobStore:
    """The blob store of these settings. MongoDB is connected to at the first use."""
    if settings.is_distributed:
        from webapp.gridfs_blobs import GridFsBlobs

        return GridFsBlobs(settings.event_store_url)
    return FileBlobs(settings.data_dir / "blobs")


class FileBlobs:
    """`BlobStore` in a folder of this process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, name: str, content: bytes) -> None:
        path = self._path(name)
        if not path.exists():
            _write_whole(path, content)

    def find(self, name: str) -> Blob | None:
        path = self._path(name)
        if not path.is_file():
            return None
        return Blob(path, datetime.fromtimestamp(path.stat().st_mtime, UTC))

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / name


def _write_whole(path: Path, content: bytes) -> None:
    """Write the file so that after a power cut there is all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    for folder in (path.parent, path.parent.parent):
        _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
