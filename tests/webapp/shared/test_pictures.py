"""Pictures are kept and served alike, in files and in GridFS, by every process."""

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient

from backend_services.guarded import MONGODB, GuardedStore
from backend_services.settings import load_settings
from eventstore.mongodb import MongoEventStore
from eventstore.ports import StoreUnavailable
from ops.processes import free_port
from tests.engines import engine_url, own_database
from tests.webapp.driver.pictures import picture
from tests.webapp.shared.conftest import KEY, Start
from webapp import create_app
from webapp.blob_stores import BlobStore, FileBlobs
from webapp.blobs import store_image
from webapp.gridfs_blobs import CHUNK_BYTES, GridFsBlobs

CONTENT = bytes(range(256)) * 2_500  # three chunks
NAME = f"{hashlib.sha256(CONTENT).hexdigest()}.png"


@pytest.fixture
def gridfs() -> Iterator[GridFsBlobs]:
    blobs = GridFsBlobs(own_database(engine_url("EVENT_STORE_URL")))
    yield blobs
    blobs.client.drop_database(blobs.client.get_default_database().name)
    blobs.client.close()


@pytest.fixture(params=["files", "gridfs"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    """Either of the two."""
    found: BlobStore = (
        FileBlobs(tmp_path / "blobs") if request.param == "files" else request.getfixturevalue("gridfs")
    )
    return found


def test_what_is_kept_is_found_whole(blobs: BlobStore) -> None:
    assert blobs.find(NAME) is None
    blobs.keep(NAME, CONTENT)
    assert content_of(blobs, NAME) == CONTENT
    assert blobs.find(NAME.replace(".png", ".jpg")) is None


def test_keeping_it_again_changes_nothing(blobs: BlobStore) -> None:
    blobs.keep(NAME, CONTENT)
    first = blobs.find(NAME)
    blobs.keep(NAME, CONTENT)
    again = blobs.find(NAME)
    assert first is not None
    assert again is not None
    assert first.kept_at == again.kept_at
    assert first.kept_at.utcoffset() is not None


def test_many_at_once_keep_one(blobs: BlobStore) -> None:
    together = Barrier(8)

    def keep(_number: int) -> bytes:
        together.wait(20)
        blobs.keep(NAME, CONTENT)
        return content_of(blobs, NAME)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(keep, range(8))) == {CONTENT}


def test_one_picture_is_one_file_in_gridfs(gridfs: GridFsBlobs) -> None:
    for _ in range(2):
        gridfs.keep(NAME, CONTENT)
    database = gridfs.client.get_default_database()
    assert [entry["_id"] for entry in database["blobs.files"].find()] == [NAME]
    assert sorted(chunk["n"] for chunk in database["blobs.chunks"].find()) == [0, 1, 2]


def test_what_a_process_left_unfinished_is_finished_by_the_next(gridfs: GridFsBlobs) -> None:
    chunks = gridfs.client.get_default_database()["blobs.chunks"]
    chunks.insert_one({"files_id": NAME, "n": 0, "data": CONTENT[:CHUNK_BYTES]})
    assert gridfs.find(NAME) is None
    gridfs.keep(NAME, CONTENT)
    assert content_of(gridfs, NAME) == CONTENT


@pytest.fixture(params=["files", "gridfs"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Flask, FlaskClient]]:
    """A process where a picture is stored, and a client of one that serves it: the same, or another."""
    if request.param == "gridfs":
        start: Start = request.getfixturevalue("start")
        storing, serving = start(), start()
        yield storing, client_of(serving)
        store = storing.extensions["blobs"]
        store.client.drop_database(store.client.get_default_database().name)
    else:
        app = create_app(load_settings({"WAYBILL_DATA_DIR": str(tmp_path), "WAYBILL_API_KEY": KEY}))
        yield app, client_of(app)
        app.extensions["waybill"].stop()


def test_it_is_served_whole_in_part_and_not_again(served: tuple[Flask, FlaskClient]) -> None:
    storing, client = served
    with storing.app_context():
        url = store_image(picture())

    whole = client.get(url)
    assert (whole.status_code, whole.content_type) == (200, "image/png")
    assert hashlib.sha256(whole.data).hexdigest() in url
    assert whole.headers["Content-Length"] == str(len(whole.data))
    assert whole.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert whole.headers["Cache-Control"] == "private, max-age=3600, immutable"

    head = client.head(url)
    assert (head.data, head.headers["Content-Length"]) == (b"", whole.headers["Content-Length"])

    assert client.get(url, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    assert client.get(url, headers={"If-Modified-Since": whole.headers["Last-Modified"]}).status_code == 304

    part = client.get(url, headers={"Range": "bytes=5-9"})
    assert (part.status_code, part.data) == (206, whole.data[5:10])
    assert part.headers["Content-Range"] == f"bytes 5-9/{len(whole.data)}"

    assert client.get(f"/blobs/{'a' * 64}.png").status_code == 404


def test_without_mongodb_a_picture_is_a_503_within_seconds(start: Start) -> None:
    app = start(EVENT_STORE_URL=f"mongodb://127.0.0.1:{free_port()}/t?replicaSet=rs0")

    def keep() -> None:
        app.extensions["blobs"].keep(NAME, CONTENT)

    with ThreadPoolExecutor(1) as pool:
        kept = pool.submit(keep)
        answer = client_of(app).get(f"/blobs/{NAME}")
        assert isinstance(kept.exception(10), StoreUnavailable)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_pictures_and_commands_share_what_is_known_of_a_mongodb_that_is_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("webapp.gridfs_blobs.SERVER_SELECTION_S", 0.1)
    url = f"mongodb://127.0.0.1:{free_port()}/t?replicaSet=rs0"
    blobs, store = GridFsBlobs(url), GuardedStore(MongoEventStore(url))
    for _ in range(MONGODB.least_calls):
        with pytest.raises(StoreUnavailable, match="can't be used"):
            blobs.find(NAME)
    for ask in (lambda: blobs.find(NAME), lambda: blobs.keep(NAME, CONTENT), store.head):
        with pytest.raises(StoreUnavailable, match="the breaker is open"):
            ask()
    blobs.client.close()
    store.close()


def content_of(blobs: BlobStore, name: str) -> bytes:
    found = blobs.find(name)
    assert found is not None
    return found.content.getvalue() if isinstance(found.content, io.BytesIO) else found.content.read_bytes()


def client_of(app: Flask) -> FlaskClient:
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    return client
