"""The style sheet that pages load is Tabler's without what makes a large board slow."""

from ops.trim_tabler import TRIMMED, WHOLE, trim


def test_the_trimmed_sheet_is_made_from_the_one_beside_it() -> None:
    assert TRIMMED.read_text() == trim(WHOLE.read_text()), "run python -m ops.trim_tabler"


def test_nothing_goes_but_selectors_that_look_into_elements() -> None:
    css = (
        "a,b:has(> .c),.d:not(:has(e,f)) g{color:red}@media print{h:has(i){top:0}j{top:1px}}k:is(l,m){left:0}"
    )
    assert trim(css) == "a{color:red}@media print{j{top:1px}}k:is(l,m){left:0}"
