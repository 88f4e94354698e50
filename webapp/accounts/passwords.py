"""Passwords: argon2id with the parameters OWASP recommends (19 MiB, 2 passes, 1 lane)."""

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

SHORTEST = 12
LONGEST = 200

_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Verified for unknown users too, so that they take as long to refuse as a wrong password.
_nobody = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    """The hash to keep. Raises ValueError for passwords outside 12 to 200 characters."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"A password has {SHORTEST} to {LONGEST} characters.")
    return _hasher.hash(password)


def is_password(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one; takes as long when there is no hash."""
    try:
        return _hasher.verify(password_hash or _nobody, password) and password_hash is not None
    except (Argon2Error, InvalidHashError):
        return False
