"""One person's browser: cookies, the forms of a page as they would be sent, against a server that may be away."""

import re
from html.parser import HTMLParser
from typing import Any

import httpx

from tests.factories import PASSWORD
from tests.resilience.figures import LostError

Fields = dict[str, Any]
Files = dict[str, tuple[str, bytes, str]]


class Browser:
    def __init__(self, url: str, email: str = "") -> None:
        """Logged in, unless there is no address: somebody without an account."""
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=60)
        self._last = ""
        self.client.get("/login").raise_for_status()
        if email:
            answer = self.post("/login", {"email": email, "password": PASSWORD, "target": "/"})
            if answer.status_code != 303:
                raise LostError(f"{email} could not log in: {answer.status_code}")

    def get(self, path: str) -> str:
        answer = self.client.get(path, follow_redirects=True)
        answer.raise_for_status()
        return answer.text

    def form(self, path: str, action: str) -> Fields:
        """What the form with this action would send, were its page sent as it is."""
        reader = _FormReader(action)
        reader.feed(self.get(path))
        if reader.fields is None:
            raise LostError(f"{path} has no form for {action}")
        reader.fields.pop("_csrf_token", None)
        return reader.fields

    def post(
        self, path: str, fields: Fields, files: Files | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        token = self.client.cookies["csrftoken"]
        answer = self.client.post(
            path,
            data={"_csrf_token": token, **fields},
            files=files,
            # Without it the whole body of an upload is read to find the token.
            headers={"x-csrftoken": token, **(headers or {})},
        )
        self._last = answer.text
        return answer

    @property
    def messages(self) -> list[str]:
        """What the last answer complained of."""
        found = re.findall(
            r'class="[^"]*(?:invalid-feedback|alert-danger)[^"]*"[^>]*>(.*?)</', self._last, re.DOTALL
        )
        return [" ".join(re.sub(r"<[^>]*>", " ", item).split()) for item in found]


class _FormReader(HTMLParser):
    """Reads the first form with an action; its buttons are pressed by whoever sends it."""

    def __init__(self, action: str) -> None:
        super().__init__()
        self.action = action
        self.fields: Fields | None = None
        self._is_inside = False
        self._textarea = self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._is_inside = self.fields is None and given.get("action") == self.action
            self.fields = {} if self._is_inside else self.fields
        if not self._is_inside or self.fields is None:
            return
        name, value = given.get("name", ""), given.get("value", "")
        if tag == "input" and name and given.get("type") not in {"file", "submit", "button"}:
            if given.get("type") not in {"radio", "checkbox"} or "checked" in given:
                self.fields[name] = value
        elif tag == "textarea":
            self._textarea, self.fields[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.fields):
            self.fields[self._select] = value

    def handle_data(self, data: str) -> None:
        if self._textarea and self.fields is not None:
            self.fields[self._textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_inside = False
        elif tag == "textarea" and self._textarea and self.fields is not None:
            # A line break right after the opening tag is not content.
            self.fields[self._textarea] = self.fields[self._textarea].removeprefix("\n")
            self._textarea = ""
        elif tag == "select":
            self._select = ""
