"""Pictures in GridFS of the event store's MongoDB, where every web process finds them."""

import io
from contextlib import suppress
from datetime import UTC, datetime

from gridfs import GridFS, NoFile
from pymongo.errors import DuplicateKeyError, PyMongoError

from eventstore.mongodb import connect_mongodb, durable_database
from eventstore.ports import StoreUnavailable
from webapp.blob_stores import Blob

SERVER_SELECTION_S = 5.0
SOCKET_TIMEOUT_S = 10.0
CHUNK_BYTES = 255 * 1024


class GridFsBlobs:
    """`BlobStore` in the GridFS bucket "blobs" of a MongoDB database. Any number of processes may use it."""

    def __init__(self, url: str) -> None:
        self.client = connect_mongodb(url, SERVER_SELECTION_S, SOCKET_TIMEOUT_S)
        database = durable_database(self.client)
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
        return Blob(io.BytesIO(content), found.upload_date)

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
