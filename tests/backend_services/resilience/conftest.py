"""What the tests of resilience share."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from backend_services.resilience import Policy
from tests.backend_services.resilience.dependency import Dependency, FakeClock, Make


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def make(clock: FakeClock) -> Make:
    def make_dependency(
        policy: Policy | None = None, jitter: Callable[[], float] = lambda: 0.5
    ) -> Dependency:
        return Dependency(f"test-{uuid4()}", clock, policy or Policy(), jitter)

    return make_dependency


@pytest.fixture
def dependency(make: Make) -> Dependency:
    return make()


@pytest.fixture
def broken(dependency: Dependency) -> Dependency:
    """A dependency whose breaker has just opened."""
    dependency.fail(10)
    assert dependency.remote.state == "open"
    dependency.received = 0
    return dependency


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as pool:
        yield pool
