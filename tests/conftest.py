"""What all tests share: the network is off but for this machine."""

import pytest
from pytest_socket import socket_allow_hosts


@pytest.fixture(autouse=True)
def only_this_machine() -> None:
    """A test that reaches for another machine fails."""
    socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep together what shares a server: with several workers each would start one of its own."""
    for item in items:
        path = item.path.as_posix()
        mode = "distributed" if "distributed" in item.name else ""
        group = "cluster" if "/tests/cluster/" in path else f"{path} {mode}"
        item.add_marker(pytest.mark.xdist_group(group))
