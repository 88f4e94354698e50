"""Where pictures are: files of the data folder, or GridFS of the event store's MongoDB when several processes serve."""

import io
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from gridfs import GridFS, NoFile
from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from backend_services.settings import Settings
from eventstore.ports import StoreUnavailable

SERVER_SELECTION_S = 5.0
SOCKET_TIMEOUT_S = 10.0
CHUNK_BYTES = 255 * 1024


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


class GridFsBlobs:
    """`BlobStore` in the GridFS bucket "blobs" of a MongoDB database. Any number of processes may use it."""

    def __init__(self, url: str) -> None:
        self.client: MongoClient[dict[str, Any]] = MongoClient(
            url,
            serverSelectionTimeoutMS=int(SERVER_SELECTION_S * 1000),
            connectTimeoutMS=int(SERVER_SELECTION_S * 1000),
            socketTimeoutMS=int(SOCKET_TIMEOUT_S * 1000),
            waitQueueTimeoutMS=int(SERVER_SELECTION_S * 1000),
            appname="waybill",
        )
        database = self.client.get_default_database(
            # Without `j` a majority write waits for the periodic journal flush: 100 ms each.
            write_concern=WriteConcern(w="majority", j=True),
            read_concern=ReadConcern("majority"),
        )
        self._bucket = database["blobs"]
        self._files = GridFS(database, "blobs")

    def keep(self, name: str, content: bytes) -> None:
        try:
            if self._bucket.files.find_one({"_id": name}, {"_id": 1}) is None:
                self._write_whole(name, content)
        except PyMongoError as error:
            raise StoreUnavailable(f"the picture can't be kept: {error}") from error

    def find(self, name: str) -> Blob | None:
        try:
            found = self._files.get(name)
            content = found.read()
        except NoFile:
            return None
        except PyMongoError as error:
            raise StoreUnavailable(f"the picture can't be read: {error}") from error
        return Blob(io.BytesIO(content), found.upload_date.replace(tzinfo=UTC))

    def _write_whole(self, name: str, content: bytes) -> None:
        """GridFS's own writer refuses a file that another process is writing, or was writing when it died; the chunks
        of one name are always the same, so here each writes what is missing. The file's entry, which makes it
        visible, comes last."""
        files, chunks = self._bucket.files, self._bucket.chunks
        chunks.create_index([("files_id", 1), ("n", 1)], unique=True)
        for number, start in enumerate(range(0, len(content), CHUNK_BYTES)):
            data = {"data": content[start : start + CHUNK_BYTES]}
            with suppress(DuplicateKeyError):  # another process was faster by a moment
                chunks.update_one({"files_id": name, "n": number}, {"$setOnInsert": data}, upsert=True)
        entry = {
            "filename": name,
            "length": len(content),
            "chunkSize": CHUNK_BYTES,
            "uploadDate": datetime.now(UTC),
        }
        with suppress(DuplicateKeyError):
            files.update_one({"_id": name}, {"$setOnInsert": entry}, upsert=True)


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
