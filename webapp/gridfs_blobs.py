"""Pictures in GridFS of the event store's MongoDB, where every web process finds them."""

import io
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

from gridfs import GridFS, NoFile
from pymongo.errors import DuplicateKeyError

from backend_services.guarded import as_store_errors, mongodb_at
from eventstore.mongodb import (
    SERVER_SELECTION_S,
    SOCKET_TIMEOUT_S,
    connect_mongodb,
    durable_database,
    wrapped,
)
from webapp.blob_stores import Blob

T = TypeVar("T")

CHUNK_BYTES = 255 * 1024


class GridFsBlobs:
    """`BlobStore` in the GridFS bucket "blobs" of a MongoDB database. Any number of processes may use it."""

    def __init__(self, url: str) -> None:
        self.client = connect_mongodb(url, SERVER_SELECTION_S, SOCKET_TIMEOUT_S)
        database = durable_database(self.client)
        self._bucket = database["blobs"]
        self._files = GridFS(database, "blobs")
        self._remote = mongodb_at(url)

    def keep(self, name: str, content: bytes) -> None:
        self._ask(lambda: self._keep(name, content))

    def find(self, name: str) -> Blob | None:
        return self._ask(lambda: self._find(name))

    def _ask(self, ask: Callable[[], T]) -> T:
        """Once: the driver itself repeats what fails."""

        def ask_it() -> T:
            with wrapped():
                return ask()

        with as_store_errors():
            return self._remote.call_once(ask_it)

    def _keep(self, name: str, content: bytes) -> None:
        if self._bucket.files.find_one({"_id": name}, {"_id": 1}) is None:
            self._write_whole(name, content)

    def _find(self, name: str) -> Blob | None:
        try:
            found = self._files.get(name)
            return Blob(io.BytesIO(found.read()), found.upload_date)
        except NoFile:
            return None

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
