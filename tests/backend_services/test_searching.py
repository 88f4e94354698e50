"""Words that are found however they are written. The browser's tests read the same list."""

import json
from pathlib import Path

import pytest

from backend_services.searching import fold

TYPED_WORDS = json.loads((Path(__file__).parent / "typed_words.json").read_text())


@pytest.mark.parametrize(("typed", "folded"), TYPED_WORDS)
def test_words_are_compared_without_capitals_and_marks(typed: str, folded: str) -> None:
    assert fold(typed) == folded
    assert fold(folded) == folded, "what was made comparable stays as it is"
