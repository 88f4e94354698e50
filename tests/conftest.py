"""What all tests share: the network is off but for this machine."""

import pytest
from pytest_socket import socket_allow_hosts


@pytest.fixture(autouse=True)
def only_this_machine() -> None:
    """A test that reaches for another machine fails."""
    socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)


SLOW_FIRST = ("/tests/cluster/", "/e2e/", "/tests/journey/", "/tests/webapp/demo/", "/tests/eventstore/")
"""The long groups, mostly waiting: with several workers the short ones fill up what is left at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares a server: with several workers each would start one of its own."""
    items.sort(key=_place_in_the_run)
    for item in items:
        path = item.path.as_posix()
        mode = "distributed" if "distributed" in item.name else ""
        group = "cluster" if "/tests/cluster/" in path else f"{path} {mode}"
        item.add_marker(pytest.mark.xdist_group(group))


def _place_in_the_run(item: pytest.Item) -> int:
    path = item.path.as_posix()
    return next((place for place, part in enumerate(SLOW_FIRST) if part in path), len(SLOW_FIRST))
