"""The design tokens as the style sheet has them, so that the style page can't say anything else."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flask import current_app

Kind = Literal["colours", "distances", "sizes"]

_declared = re.compile(r"(--wb-[a-z0-9-]+):\s*([^;]+);")
_patterns: dict[Kind, re.Pattern[str]] = {
    "colours": re.compile(r"#"),
    "distances": re.compile(r"\d+px$"),
    "sizes": re.compile(r"[\d.]+rem$"),
}


@dataclass(frozen=True)
class Token:
    """A custom property and its value in light; a colour's is another one in dark."""

    name: str
    value: str


def read_tokens(kind: Kind) -> list[Token]:
    """The tokens of one kind in the order of tokens.css."""
    text = (Path(current_app.static_folder or "") / "css" / "tokens.css").read_text()
    found: dict[str, Token] = {}
    for name, value in _declared.findall(text):
        if _patterns[kind].match(value):
            found.setdefault(name, Token(name, value))
    return list(found.values())
