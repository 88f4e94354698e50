"""The distributed mode for the same tests: all its processes, over the real engines that the environment names."""

import os
import re
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pymongo
from confluent_kafka.admin import AdminClient

from ops.cluster import SMALL, Cluster, Shape
from tests.engines import engine_url, own_database
from tests.journey.city import zone_where_it_is_noon
from tests.journey.server import API_KEY


class DistributedServer:
    """One installation with databases, topics and keys of its own. It offers what `Server` does.

    `client` speaks with the first web process. `engines` replaces engines by others, URL by setting.
    """

    def __init__(
        self, folder: Path, shape: Shape = SMALL, engines: dict[str, str] | None = None, **environ: str
    ) -> None:
        self.name = f"t{uuid4().hex[:16]}"
        names = ("EVENT_STORE_URL", "BROKER_URL", "REDIS_URL", "DATABASE_URL")
        urls = {name: (engines or {}).get(name) or engine_url(name) for name in names}
        self._admin_url = urls["DATABASE_URL"]
        urls["EVENT_STORE_URL"] = own_database(urls["EVENT_STORE_URL"])
        urls["DATABASE_URL"] = re.sub(r"/\w+$", f"/{self.name}", urls["DATABASE_URL"])
        self.engine_urls = urls
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self.name}"')
        self.cluster = Cluster(
            folder,
            {
                **{name: "" for name in os.environ if name.startswith("WAYBILL_")},
                **urls,
                "SECRET_KEY": "for-tests-only-for-tests-only-for-tests",
                "WAYBILL_API_KEY": API_KEY,
                "WAYBILL_RATE_LIMIT": "off",
                "WAYBILL_TIME_ZONE": zone_where_it_is_noon(),
                "WAYBILL_NAMESPACE": self.name,
                **environ,
            },
            shape,
        )
        self.port, self.url = self.cluster.ports[0], self.cluster.urls[0]
        self.client = self.client_of(self.url)

    def client_of(self, url: str) -> httpx.Client:
        """A client of one of the web processes."""
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=30)

    def start(self) -> "DistributedServer":
        self.cluster.start()
        return self

    def stop(self) -> None:
        self.cluster.stop()

    def kill(self) -> None:
        self.cluster.kill()

    def end_web(self, bound_s: float) -> None:
        """SIGTERM to the first web process; fails when it needs longer."""
        child = self.cluster.roles["web-1"].child
        assert child is not None
        child.terminate()
        child.wait(bound_s)

    def setup_code(self) -> str:
        """The code for the first account, as the web process prints it."""
        printed = self.cluster.roles["web-1"].log.read_text()
        return re.findall(r"/setup\?code=(\S+)", printed)[-1]

    def forget_read_models(self) -> None:
        """As if the read models had been deleted; the processes are stopped."""
        with psycopg.connect(self.engine_urls["DATABASE_URL"], autocommit=True) as connection:
            found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE '%_read_v%'")
            for (schema,) in found.fetchall():
                connection.execute(f'DROP SCHEMA "{schema}" CASCADE')

    def backup_events(self) -> Any:
        """The event store's content."""
        with pymongo.MongoClient(self.engine_urls["EVENT_STORE_URL"]) as client:
            database = client.get_default_database()
            return {name: list(database[name].find()) for name in database.list_collection_names()}

    def restore_events(self, backup: Any) -> None:
        """Put a former content in the place of the present one; the processes are stopped."""
        with pymongo.MongoClient(self.engine_urls["EVENT_STORE_URL"]) as client:
            database = client.get_default_database()
            client.drop_database(database.name)
            for name, documents in backup.items():
                if documents:
                    database[name].insert_many(documents)

    def remove(self) -> None:
        """Drop what belongs to this installation in the shared engines."""
        self.cluster.kill()
        self.client.close()
        with pymongo.MongoClient(self.engine_urls["EVENT_STORE_URL"]) as client:
            client.drop_database(client.get_default_database().name)
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE "{self.name}" WITH (FORCE)')
        admin = AdminClient({"bootstrap.servers": self.engine_urls["BROKER_URL"].removeprefix("kafka://")})
        topics = [name for name in admin.list_topics(timeout=10).topics if name.startswith(self.name)]
        for deleted in admin.delete_topics(topics).values() if topics else ():
            deleted.exception(10)
