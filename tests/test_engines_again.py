"""The engines that keep their data are there again after a stop, as `make up-local` needs them."""

from pathlib import Path

import pymongo

from ops.engines import MongoServer
from tests.engines import engine_url


def test_a_mongodb_comes_back_on_its_data_also_in_another_process(tmp_path: Path) -> None:
    engine_url("EVENT_STORE_URL")
    first = MongoServer(tmp_path / "mongo").start()
    try:
        with pymongo.MongoClient(first.url) as client:
            client["kept"]["things"].insert_one({"_id": 1})
    finally:
        first.stop()

    again = MongoServer(tmp_path / "mongo").start()  # knows nothing of the first but its folder
    try:
        with pymongo.MongoClient(again.url) as client:
            assert client["kept"]["things"].count_documents({}) == 1
            client["kept"]["things"].insert_one({"_id": 2})
    finally:
        again.stop()
    assert again.ports == first.ports
