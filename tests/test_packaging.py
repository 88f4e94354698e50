"""What containers are made of: the image, the stack and its settings agree with the program and with each other."""

import importlib.util
import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from backend_services.settings import ENGINES, KNOWN, load_settings

ROOT = Path(__file__).parents[1]
STACK, EMBEDDED, HTTPS = "docker-compose.yml", "docker-compose.embedded.yml", "docker/https.yml"
SETTINGS = {*KNOWN, *ENGINES, "PORT", "SECRET_KEY"}
COMPOSE_ONLY = {
    *("COMPOSE_PROFILES", "POSTGRES_PASSWORD", "SITE_NAME"),
    *("MONGO_PORT", "KAFKA_PORT", "REDIS_PORT", "POSTGRES_PORT", "KAFKA_UI_PORT"),
}
SECRETS = {"SECRET_KEY", "POSTGRES_PASSWORD", "WAYBILL_API_KEY"}
OWN_IMAGE = "waybill:local"


class ComposeLoader(yaml.SafeLoader):
    """YAML with Compose's tags for lists that replace others."""


ComposeLoader.add_constructor("!override", lambda loader, node: loader.construct_sequence(node))


def read(name: str) -> dict[str, Any]:
    loaded = yaml.load((ROOT / name).read_text(), ComposeLoader)  # noqa: S506 - a safe loader
    assert isinstance(loaded, dict)
    return loaded


def services(name: str = STACK) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(name)["services"]
    return found


def own_services() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in services().items() if service["image"] == OWN_IMAGE}


def variables(name: str) -> set[str]:
    """The names in `${…}`, comments aside."""
    text = re.sub(r"(^|\s)#.*", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    return set(re.findall(r"\$\{([A-Z_]+)", text))


def filled(text: str, given: dict[str, str]) -> str:
    """Fill in `${NAME}` and `${NAME:-default}` as Compose does, the innermost first."""
    inner = re.compile(r"\$\{([A-Z_]+)(?::([-?])([^${}]*))?\}")
    while found := inner.search(text):
        name, how, default = found.groups()
        value = given.get(name, "")
        assert value or how != "?", f"{name} is required"
        text = text[: found.start()] + (value or (default if how == "-" else "")) + text[found.end() :]
    return text


def example() -> dict[str, str]:
    """The names and values of .env.example, those in comments included."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    pairs = [re.fullmatch(r"#?([A-Z_]+)=(.*)", line) for line in lines]
    return {pair[1]: pair[2] for pair in pairs if pair}


def test_every_image_is_pinned_to_an_exact_version() -> None:
    images = {service["image"] for name in (STACK, EMBEDDED) for service in services(name).values()}
    bases = {line.split()[1] for line in dockerfile() if line.startswith("FROM ")}
    foreign = (images | bases) - {OWN_IMAGE}
    assert len(foreign) > 5
    for image in foreign:
        version = (
            r"\d+\.\d+" if image.startswith("postgres:") else r"\d+\.\d+\.\d+"
        )  # its releases have two numbers
        assert re.search(rf":v?{version}(-[a-z0-9.-]+)?$", image), image


def test_one_service_builds_the_image_and_the_others_wait_for_it() -> None:
    builders = [name for name, service in own_services().items() if "build" in service]
    assert len(builders) == 1
    assert all(
        service.get("pull_policy") == ("build" if name in builders else "never")
        for name, service in own_services().items()
    )


def test_the_image_runs_as_nobody_in_particular() -> None:
    user = [line.split()[1] for line in dockerfile() if line.startswith("USER ")][-1]
    uid, gid = user.split(":")
    assert uid.isdigit()
    assert gid.isdigit()
    assert int(uid) >= 10_000
    made = " ".join(dockerfile())
    assert f"--uid {uid}" in made
    assert f"-o {uid} -g {gid} -m 0750 /data" in made


def test_the_image_installs_only_what_the_hashes_name() -> None:
    installs = [line for line in dockerfile() if "pip" in line and " install " in line]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert "--only-binary :all:" in installs[0]
    assert not any("apt-get" in line or "apk add" in line for line in dockerfile())


def test_the_last_stage_has_the_program_whole() -> None:
    last = dockerfile()[[i for i, line in enumerate(dockerfile()) if line.startswith("FROM ")][-1] :]
    assert last[-1] == 'CMD ["python", "-m", "webapp"]'
    copied = [
        source
        for line in last
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert {"eventstore", "backend_services", "webapp", "docker/healthcheck.py"} <= set(copied)
    for needed in (
        "VOLUME /data",
        "EXPOSE 8000",
        "HEALTHCHECK ",
        "WAYBILL_HOST=0.0.0.0",
        "PYTHONUNBUFFERED=1",
    ):
        assert needed in "\n".join(last), needed


def test_only_what_the_image_copies_reaches_the_build() -> None:
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert ignored[0] == "*"
    let_in = {line[1:] for line in ignored if line.startswith("!")}
    copied = {
        source
        for line in dockerfile()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert let_in == copied
    assert all((ROOT / path).exists() for path in copied)


def dockerfile() -> list[str]:
    """The instructions, one a line."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def commands() -> list[list[str]]:
    return [service["command"] for service in own_services().values() if "command" in service]


@pytest.mark.parametrize("command", commands(), ids=lambda command: " ".join(command[2:]))
def test_every_role_is_a_module_that_can_be_run(command: list[str]) -> None:
    assert command[:2] == ["python", "-m"]
    found = importlib.util.find_spec(command[2])
    assert found is not None, f"{command[2]} is missing"
    if found.submodule_search_locations:
        assert importlib.util.find_spec(f"{command[2]}.__main__") is not None, f"{command[2]} can't be run"


def test_each_service_has_its_worker_and_every_role_runs_twice() -> None:
    workers = {command[3] for command in commands() if command[2] == "backend_services.worker"}
    packages = {path.parent.name for path in (ROOT / "backend_services").glob("*/service.py")}
    assert workers == packages
    for name, service in own_services().items():
        assert name.startswith("web-") or service["deploy"]["replicas"] == 2, name
    assert len([name for name in own_services() if name.startswith("web-")]) == 2


def test_containers_get_settings_that_the_program_knows() -> None:
    for name in (STACK, EMBEDDED):
        for service in services(name).values():
            if service["image"] == OWN_IMAGE:
                assert set(service["environment"]) <= SETTINGS
    assert set(services(HTTPS)["web-1"]["environment"]) <= SETTINGS


def test_what_compose_reads_is_in_the_example_and_the_other_way_round() -> None:
    used = variables(STACK) | variables(EMBEDDED) | variables(HTTPS)
    assert used <= set(example())
    assert set(example()) == SETTINGS | COMPOSE_ONLY
    active = {name for name in example() if f"\n{name}=" in (ROOT / ".env.example").read_text()}
    assert active - used == {"COMPOSE_PROFILES"}


def test_every_line_of_the_example_has_a_comment_above() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r"#?[A-Z_]+=", line):
            assert re.match("# (?!---)", before), line


def test_the_stack_starts_with_the_example_once_the_secrets_are_made() -> None:
    given = {
        name: value for name, value in example().items() if name not in ("WAYBILL_HOST", "WAYBILL_DATA_DIR")
    }
    given |= {"SECRET_KEY": "x" * 32, "POSTGRES_PASSWORD": "a-Password_1"}
    for name, service in own_services().items():
        environ = {key: filled(str(value), given) for key, value in service["environment"].items()}
        settings = load_settings(environ, serves_pages=name.startswith("web-"))
        assert settings.is_distributed
        assert settings.event_store_url == "mongodb://mongo:27017/waybill?replicaSet=rs0"
        assert settings.broker_url == "kafka://kafka:9092"
        assert settings.redis_url == "redis://redis:6379/0"
        assert settings.database_url == "postgresql+psycopg://waybill:a-Password_1@postgres:5432/waybill"
        assert settings.metrics_port == (None if name.startswith("web-") else 9100)


def test_engines_of_ones_own_take_the_place_of_the_containers() -> None:
    own = {name: f"{scheme}elsewhere/waybill" for name, scheme in ENGINES.items()}
    given = {"SECRET_KEY": "x" * 32, "POSTGRES_PASSWORD": "any", **own}
    for service in own_services().values():
        environ = {key: filled(str(value), given) for key, value in service["environment"].items()}
        assert {key: environ[key] for key in ENGINES} == own
        assert all(not needed["required"] for needed in service["depends_on"].values())


def test_one_process_starts_without_any_setting(tmp_path: Path) -> None:
    environ = {
        key: filled(str(value), {}) for key, value in services(EMBEDDED)["waybill"]["environment"].items()
    }
    assert not load_settings(environ | {"WAYBILL_DATA_DIR": str(tmp_path)}).is_distributed


def test_no_secret_has_a_default() -> None:
    for name in SECRETS:
        assert example()[name] == "", name
    for path in (STACK, EMBEDDED, HTTPS):
        for name, default in re.findall(r"\$\{([A-Z_]+):-([^}]*)", (ROOT / path).read_text()):
            assert name not in SECRETS or default == "", f"{path}: {name}"


@pytest.mark.parametrize("missing", ["SECRET_KEY", "POSTGRES_PASSWORD"])
def test_the_stack_refuses_to_start_without_a_secret(missing: str) -> None:
    given = {"SECRET_KEY": "x" * 32, "POSTGRES_PASSWORD": "a-Password_1", missing: ""}
    text = "\n".join(
        str(service["environment"]) for service in services().values() if "environment" in service
    )
    with pytest.raises(AssertionError, match=f"{missing} is required"):
        filled(text, given)


def test_only_web_processes_get_the_secret_key() -> None:
    holders = {name for name, service in services().items() if "SECRET_KEY" in service.get("environment", {})}
    assert holders == {"web-1", "web-2"}


def test_the_file_with_the_secrets_is_never_committed() -> None:
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()
    assert "!.env" not in (ROOT / ".dockerignore").read_text()


@pytest.mark.parametrize("name", [STACK, EMBEDDED])
def test_every_container_is_hardened_watched_and_given_time_to_stop(name: str) -> None:
    for title, service in services(name).items():
        assert service["cap_drop"] == ["ALL"], title
        assert service["security_opt"] == ["no-new-privileges:true"], title
        assert service.get("read_only") or title == "kafka", title
        assert service["restart"] == "unless-stopped", title
        assert service["stop_grace_period"] == "30s", title
        assert service["healthcheck"]["start_period"], title
        for needed in service.get("depends_on", {}).values():
            assert needed["condition"] == "service_healthy", title


@pytest.mark.parametrize("name", [STACK, EMBEDDED])
def test_every_port_is_published_on_this_machine_only(name: str) -> None:
    ports = [port for service in services(name).values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_proxy_reaches_the_web_processes_and_nothing_else() -> None:
    for title, service in services().items():
        outside = title == "proxy" or title.startswith("web-")
        inside = title != "proxy"
        assert set(service["networks"]) == {
            name for name, joins in (("outside", outside), ("inside", inside)) if joins
        }, title


def test_every_volume_and_mounted_file_exists() -> None:
    for name in (STACK, EMBEDDED):
        declared = set(read(name)["volumes"])
        mounts = [
            mount.split(":") for service in services(name).values() for mount in service.get("volumes", [])
        ]
        assert {source for source, *_ in mounts if not source.startswith(".")} == declared
        assert all((ROOT / source).is_file() for source, *_ in mounts if source.startswith("."))


def test_the_proxy_knows_every_web_process() -> None:
    proxy = services()["proxy"]
    webs = {name for name in services() if name.startswith("web-")}
    assert set(proxy["environment"]["UPSTREAMS"].split()) == {f"{name}:8000" for name in webs}
    assert set(proxy["depends_on"]) == webs
    used = set(re.findall(r"\{\$([A-Z_]+)", (ROOT / "docker/Caddyfile").read_text()))
    assert used == set(proxy["environment"])
