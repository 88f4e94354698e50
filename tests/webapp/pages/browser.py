"""A browser without JavaScript over Flask's test client: it follows links, fills forms and sends them as they are."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

VOID = {
    "area",
    "base",
    "br",
    "col",
    "embed",
    "hr",
    "img",
    "input",
    "link",
    "meta",
    "source",
    "track",
    "wbr",
    "use",
}


@dataclass
class Form:
    """A form as the page holds it: where it goes, what is filled in, and the words around it."""

    action: str
    method: str
    id: str
    values: list[tuple[str, str]] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""


@dataclass
class Option:
    """One choice of a select."""

    value: str
    text: str
    is_disabled: bool


class _Reader(HTMLParser):
    """Collects forms, links, choices and the visible text of a page."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path
        self.forms: list[Form] = []
        self.links: list[tuple[str, str]] = []
        self.options: dict[str, list[Option]] = {}
        self.radios: dict[str, list[str]] = {}
        self.ids: list[str] = []
        self.text: list[str] = []
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._elsewhere: list[tuple[str, tuple[str, str]]] = []
        self._form: Form | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._texts: list[list[str]] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        self.tags.append((tag, given))
        if "id" in given:
            self.ids.append(given["id"])
        if tag in ("script", "style", "title", "noscript"):
            self._silent += tag != "noscript"
        if tag == "form":
            action = given.get("action") or self.path
            self._form = Form(action, given.get("method", "get").lower(), given.get("id", ""))
            self.forms.append(self._form)
        elif tag == "input" and "name" in given and "disabled" not in given:
            self._take_input(given)
        elif tag == "select":
            self._select = (given["name"], [])
            self.options[given["name"]] = []
        elif tag == "option" and self._select is not None:
            self._select[1].append((given.get("value", ""), "selected" in given))
            option = Option(given.get("value", ""), "", "disabled" in given)
            self.options[self._select[0]].append(option)
        if tag in ("a", "button", "textarea", "option"):
            self._texts.append([])
            self._open = given

    def _take_input(self, given: dict[str, str]) -> None:
        kind = given.get("type", "text")
        if kind == "radio":
            self.radios.setdefault(given["name"], []).append(given.get("value", ""))
        if kind in ("submit", "file", "button") or (kind in ("checkbox", "radio") and "checked" not in given):
            return
        pair = (given["name"], given.get("value", "on" if kind == "checkbox" else ""))
        if "form" in given:
            self._elsewhere.append((given["form"], pair))
        elif self._form is not None:
            self._form.values.append(pair)

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        self.text.append(data)
        for collected in self._texts:
            collected.append(data)
        if self._form is not None:
            self._form.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "title"):
            self._silent -= 1
        if tag in ("a", "button", "textarea", "option") and self._texts:
            self._end_text(tag, " ".join("".join(self._texts.pop()).split()))
        if tag == "select" and self._select is not None:
            name, options = self._select
            chosen = next(
                (value for value, is_selected in options if is_selected), options[0][0] if options else ""
            )
            if self._form is not None:
                self._form.values.append((name, chosen))
            self._select = None
        if tag == "form":
            self._form = None

    def _end_text(self, tag: str, text: str) -> None:
        if tag == "a":
            self.links.append((text, self._open.get("href", "")))
        elif tag == "option" and self._select is not None:
            self.options[self._select[0]][-1].text = text
        elif tag == "textarea" and self._form is not None:
            self._form.values.append((self._open["name"], text))
        elif tag == "button" and self._form is not None:
            self._form.buttons.append((text, self._open.get("name", ""), self._open.get("value", "")))

    def close(self) -> None:
        super().close()
        for form_id, pair in self._elsewhere:
            for form in self.forms:
                if form.id == form_id:
                    form.values.append(pair)


class Page:
    """What came back: status, text, links and forms."""

    def __init__(self, response: TestResponse, path: str) -> None:
        self.response = response
        self.status = response.status_code
        self.path = path
        self.html = response.get_data(as_text=True) if "html" in (response.content_type or "") else ""
        self._reader = _Reader(path)
        self._reader.feed(self.html)
        self._reader.close()
        self.forms = self._reader.forms
        self.links = self._reader.links
        self.options = self._reader.options
        self.radios = self._reader.radios
        self.ids = self._reader.ids
        self.tags = self._reader.tags
        self.text = " ".join("".join(self._reader.text).split())

    def form(self, label: str, nth: int = 0) -> Form:
        """The form with a button or other words that say `label`."""
        by_button = [form for form in self.forms if any(label in text for text, _, _ in form.buttons)]
        assert by_button, f"no form says {label!r}; there are {[form.buttons for form in self.forms]}"
        return by_button[nth]

    def has_form(self, label: str) -> bool:
        """Whether there is a button like that."""
        return any(label in text for form in self.forms for text, _, _ in form.buttons)

    def link(self, label: str) -> str:
        """Where the link with these words leads."""
        found = [href for text, href in self.links if label in text]
        assert found, f"no link says {label!r}; there are {self.links}"
        return found[0]

    def value(self, label: str, name: str) -> str:
        """What a form has filled in at a field."""
        return dict(self.form(label).values)[name]


class Browser:
    """Somebody at a browser, signed in or not."""

    def __init__(self, app: Flask) -> None:
        self.client = app.test_client()

    def get(self, path: str, htmx: bool = False, **headers: str) -> Page:
        """Open an address; redirects are followed."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if htmx:
            given["HX-Request"] = "true"
        response = self.client.get(path, headers=given, follow_redirects=True)
        return Page(response, response.request.path)

    def send(
        self,
        form: Form,
        button: str | None = None,
        follow: bool = True,
        htmx: bool = False,
        **filled: Any,
    ) -> Page:
        """Send a form with some fields filled in differently. Redirects must be 303 and are followed."""
        values = MultiDict(form.values)
        for name, value in filled.items():
            values.setlist(name, value if isinstance(value, list) else [value])
        if button is not None:
            pressed = next(found for found in form.buttons if button in found[0])
            if pressed[1]:
                values.add(pressed[1], pressed[2])
        headers = {"HX-Request": "true"} if htmx else {}
        path = urlsplit(form.action)._replace(fragment="").geturl()
        response = self.client.open(
            path,
            method=form.method,
            headers=headers,
            **({"data": values} if form.method == "post" else {"query_string": values}),
        )
        assert not (form.method == "post" and response.status_code in (301, 302, 307)), (
            "Post/Redirect/Get is 303"
        )
        if follow and response.status_code == 303:
            return self.get(response.headers["Location"], htmx=htmx)
        return Page(response, path)

    def sign_in(self, username: str, password: str) -> Page:
        """Through the form, as people do."""
        page = self.get("/sign-in")
        return self.send(page.form("Sign in"), username=username, password=password, follow=False)
