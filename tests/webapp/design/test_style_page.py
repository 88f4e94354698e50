"""The living style page shows all that the pages are made of, and is there in development only."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import Environment, nodes

from backend_services.deliveries.commands import DeliveryStatus, Severity
from backend_services.fleet.commands import DriverStatus, VehicleStatus
from backend_services.routes.commands import RouteStatus
from backend_services.settings import load_settings
from tests.webapp.pages.browser import Browser, Page
from webapp import create_app
from webapp.presentation import words

TEMPLATES = Path("webapp/templates")
STATIC = Path("webapp/static")
PARSER = Environment(autoescape=True)
MADE_OTHERWISE = {"map-small"}
"""Classes that a macro puts together."""


def make_app(data_dir: Path, **environ: str) -> Flask:
    return create_app(load_settings({"WAYBILL_DATA_DIR": str(data_dir), **environ}))


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    made = make_app(tmp_path_factory.mktemp("design"), WAYBILL_DEVELOPMENT="on", WAYBILL_RATE_LIMIT="off")
    made.extensions["waybill"].start()
    yield made
    made.extensions["waybill"].stop()


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


@pytest.fixture
def page(browser: Browser) -> Page:
    shown = browser.get("/design")
    assert shown.status == 200
    return shown


def macros_of(folder: Path) -> set[str]:
    """`file.macro` of every macro in the folder's templates."""
    return {
        f"{path.stem}.{macro.name}"
        for path in folder.glob("*.html")
        for macro in PARSER.parse(path.read_text()).find_all(nodes.Macro)
    }


def shown_by(templates: dict[str, str]) -> set[str]:
    """`file.macro` of every macro of macros/ that these templates call, and what those call in turn."""
    shown: set[str] = set()
    waiting = [call for source in templates.values() for call in calls_of(PARSER.parse(source))]
    while waiting:
        name = waiting.pop()
        if name not in shown:
            shown.add(name)
            waiting += calls_in_macro(name)
    return shown


def calls_in_macro(name: str) -> list[str]:
    file, _, macro = name.partition(".")
    whole = PARSER.parse((TEMPLATES / "macros" / f"{file}.html").read_text())
    own = {one.name: one for one in whole.find_all(nodes.Macro)}
    return calls_of(own[macro], imported_by(whole) | {"": file}) if macro in own else []


def imported_by(tree: nodes.Template) -> dict[str, str]:
    """Under which name which file of macros/ is imported."""
    return {
        one.target: one.template.value.removeprefix("macros/").removesuffix(".html")
        for one in tree.find_all(nodes.Import)
        if isinstance(one.template, nodes.Const) and one.template.value.startswith("macros/")
    }


def calls_of(tree: nodes.Node, imported: dict[str, str] | None = None) -> list[str]:
    # base.html imports these three for every page.
    always = {"ui": "ui", "forms": "forms", "lists": "lists"}
    known = imported or (always | imported_by(tree) if isinstance(tree, nodes.Template) else always)
    found = []
    for call in tree.find_all(nodes.Call):
        target = call.node
        if isinstance(target, nodes.Getattr) and isinstance(target.node, nodes.Name):
            if target.node.name in known:
                found.append(f"{known[target.node.name]}.{target.attr}")
        elif isinstance(target, nodes.Name) and "" in known:
            found.append(f"{known['']}.{target.name}")
    return found


def style_page() -> dict[str, str]:
    return {path.name: path.read_text() for path in (TEMPLATES / "design").glob("*.html")}


def test_every_macro_is_on_the_page() -> None:
    missing = macros_of(TEMPLATES / "macros") - shown_by(style_page())
    assert not missing, f"show these in webapp/templates/design: {', '.join(sorted(missing))}"


def test_a_macro_that_the_page_leaves_out_is_noticed() -> None:
    without = {name: text.replace("toasts.toast(", "no.toast(") for name, text in style_page().items()}
    assert macros_of(TEMPLATES / "macros") - shown_by(without) == {"toasts.toast"}


def test_every_macro_is_named_there(page: Page) -> None:
    named = " ".join(given["data-shows"] for _, given in page.tags if "data-shows" in given)
    named = named.replace("parts.", "deliveries.").replace("maps.", "map.")
    assert macros_of(TEMPLATES / "macros") <= set(re.findall(r"[a-z]+\.[a-z_]+", named))


def test_every_status_is_shown_with_colour_icon_and_word(page: Page) -> None:
    labels = re.findall(
        r'<span class="status (grey|blue|indigo|violet|green|amber|red)">'
        r'<svg class="icon"[^>]*><use href="[^"#]+#([a-z0-9-]+)"/></svg>([^<]+)</span>',
        page.html,
    )
    shown = {word: (colour, icon) for colour, icon, word in labels}
    icons = (STATIC / "vendor/tabler-icons@3.51.0/icons.svg").read_text()
    assert all(f'id="{icon}"' in icons for _, icon in shown.values())
    for statuses in (DeliveryStatus, DriverStatus, VehicleStatus, RouteStatus, Severity):
        for status in statuses:
            word = words(status).capitalize() if statuses is Severity else words(status)
            assert word in shown, status
            assert shown[word] != shown["Something new"] or status == Severity.LOW, (
                f"{status} looks like an unknown one: give it a look in macros/ui.html"
            )


def test_every_state_of_the_freshness_pill_is_shown(page: Page) -> None:
    sheets = "".join(path.read_text() for path in (STATIC / "css").glob("*.css"))
    words_of_script = re.search(r"const WORDS = \{(.+?)\};", (STATIC / "js/board-live.js").read_text())
    assert words_of_script is not None
    known = set(re.findall(r'\.pill\[data-state="([a-z-]+)"\]', sheets))
    known |= {name.strip('"') for name in re.findall(r'(?:^|, )\s*("?[a-z-]+"?):', words_of_script[1])}
    assert {"live", "reconnecting", "other-day", "history"} <= known
    assert known <= {given.get("data-state") for _, given in page.tags}


def test_every_token_is_shown(page: Page) -> None:
    sheet = (STATIC / "css/tokens.css").read_text()
    tokens = set(re.findall(r"(--wb-[a-z0-9-]+):", sheet)) - {"--wb-font", "--wb-radius"}
    assert len(tokens) > 30
    for token in tokens:
        assert f"{token})" in page.html or f"<code>{token}</code>" in page.html, token


def test_it_has_no_look_of_its_own(page: Page) -> None:
    """A class that no other page has would be a component that is only on the style page."""
    elsewhere = "".join(
        path.read_text()
        for path in [*TEMPLATES.rglob("*.html"), *(STATIC / "js").glob("*.js")]
        if path.parent.name != "design"
    )
    classes = {name for _, given in page.tags for name in given.get("class", "").split()}
    own = {name for name in classes if not re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", elsewhere)}
    assert {name for name in own if name.split("-")[0] != "design"} == MADE_OTHERWISE


def test_it_keeps_the_strict_policy_and_has_no_id_twice(page: Page) -> None:
    assert "script-src 'self'; style-src 'self'" in page.response.headers["Content-Security-Policy"]
    assert len(page.ids) == len(set(page.ids))
    for tag, given in page.tags:
        assert tag != "style"
        assert not [name for name in given if name == "style" or name.startswith("on")], (tag, given)
        assert tag != "script" or given.get("src")


def test_its_list_and_its_undo_work_without_javascript(browser: Browser, page: Page) -> None:
    filtered = browser.send(page.form("Filter"), q="kallio")
    assert "Late to Kallio" in filtered.html[filtered.html.index('id="list"') :].split("</table>")[0]
    assert "Nothing matches" in browser.send(page.form("Filter"), q="no such place").text
    assert "This is the last page." in browser.get("/design?cursor=a-sample").text
    done = browser.send(page.form("Show one in the corner"))
    assert "The sample was done." in done.text
    undo = next(form for form in reversed(done.forms) if ("taken_back", "yes") in form.values)
    assert "Taken back." in browser.send(undo).text


def test_htmx_gets_the_list_alone(browser: Browser) -> None:
    part = browser.get("/design?q=kallio", htmx=True)
    assert 'id="list"' in part.html
    assert "<html" not in part.html


@pytest.mark.parametrize("environ", [{}, {"WAYBILL_DEVELOPMENT": "off"}, {"WAYBILL_DEVELOPMENT": ""}])
def test_outside_development_there_is_nothing(tmp_path: Path, environ: dict[str, str]) -> None:
    app = make_app(tmp_path, **environ)
    assert app.test_client().get("/design").status_code == 404
    assert app.test_client().post("/design").status_code in (403, 404)
    app.extensions["waybill"].stop()
