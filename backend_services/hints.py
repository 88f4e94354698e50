"""What the rows add to a command's answer: useful, never needed."""

import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

T = TypeVar("T")

log = logging.getLogger(__name__)


def if_readable(read: Callable[[], list[T]]) -> list[T]:
    """What `read` finds in the rows; nothing while they can't be read, since the command doesn't depend on it."""
    try:
        return read()
    except SQLAlchemyError as error:
        log.warning("a hint is left out: %s", type(error).__name__)
        return []
