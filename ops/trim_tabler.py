"""`python -m ops.trim_tabler`: the style sheet of Tabler without its selectors that have `:has(`.

Those are for parts that we don't use (navigation at the side, for the most part). Some begin with anything at all
and look for a focus within it, so that a browser had to look at the whole page whenever one class changed on it: on a
board of 1,000 deliveries that took 30 ms each time. Run it after Tabler was brought up to date.
"""

import re
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "webapp" / "static" / "vendor" / "tabler@1.6.1"
WHOLE, TRIMMED = FOLDER / "tabler.min.css", FOLDER / "tabler.trimmed.min.css"
_RULE = re.compile(r"([^{};]+)\{([^{}]*)\}")


def trim(css: str) -> str:
    """The same rules in the same order, without the selectors that have `:has(`, and without what is empty then."""

    def rest(rule: re.Match[str]) -> str:
        kept = [selector for selector in _selectors(rule[1]) if ":has(" not in selector]
        return f"{','.join(kept)}{{{rule[2]}}}" if kept else ""

    return _RULE.sub(rest, css)


def _selectors(text: str) -> list[str]:
    """The parts between commas that aren't in brackets."""
    found, depth, begin = [], 0, 0
    for place, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 0:
            found.append(text[begin:place])
            begin = place + 1
    return [*found, text[begin:]]


if __name__ == "__main__":
    TRIMMED.write_text(trim(WHOLE.read_text()))
