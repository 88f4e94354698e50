"""How texts become comparable, so that people find what they type more or less as it is written."""

import re
import unicodedata

_MARKS = re.compile("[\u0300-\u036f]")


def fold(text: str) -> str:
    """Without capitals and without marks on letters: "Mäkelä" is found by "makela", "Straße" by "STRASSE".

    `webapp/static/js/fold.js` does the same in the browser, where the board is searched.
    """
    if text.isascii():  # most are, and the board folds thousands at a time
        return text.lower()
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return bare.lower().replace("ß", "ss").replace("ς", "σ")
