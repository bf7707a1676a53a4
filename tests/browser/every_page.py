"""Finds the pages of a running demonstration by their links, as each account sees them.

What is worth a picture is chosen by what a page holds: of pages with the same address but for their identifiers, those
are taken which show something (a link, a form, a style, a heading) that no page chosen before has shown.
"""

import re
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from heapq import heappop, heappush
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

from web.demo.accounts import DEMO_PASSWORD

IDENTIFIER = re.compile(r"(?<=/)(?:[0-9a-f]{8}-[0-9a-f-]{27}|\d+)(?=/|$)")
# A page tells something new when it shows so much that no page of its kind has shown to this account.
NEWS = 3
# After so many pages of a kind that told nothing new, no more of it are read; and so many are chosen at most.
PATIENCE = 4
CHOSEN = 4
CHANGES_THE_SESSION = re.compile(r"^/(locale|logout|theme)\b")


@dataclass
class FoundPage:
    account: str
    address: str
    features: frozenset[str]


@dataclass
class _Reader(HTMLParser):
    """Links of a page, and what distinguishes it from other pages of its kind."""

    links: list[str] = field(default_factory=list)
    features: set[str] = field(default_factory=set)
    _heading: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "a" and (link := values.get("href")):
            self.links.append(link)
        for name in ("href", "action", "hx-get", "hx-post"):
            if address := values.get(name):
                self.features.add(f"{tag} {name} {kind_of(address)}")
        self.features.update(f"{tag}.{name}" for name in (values.get("class") or "").split())
        if tag in ("h1", "h2", "h3", "legend", "th"):
            self._heading = tag

    def handle_endtag(self, tag: str) -> None:
        if tag == self._heading:
            self._heading = ""

    def handle_data(self, data: str) -> None:
        # A page's first heading is mostly the name of its subject, which tells nothing.
        if self._heading and self._heading != "h1" and data.strip():
            self.features.add(f"{self._heading} {re.sub(r'[0-9]+', '0', data.strip())}")


def kind_of(address: str) -> str:
    """The address with its identifiers and what its query asks left out."""
    parts = urlsplit(address)
    return IDENTIFIER.sub("{}", parts.path) + ("?" if parts.query else "")


def log_in(url: str, account: str, locale: str) -> httpx.Client:
    browser = httpx.Client(base_url=url, timeout=60, trust_env=False)
    browser.get(f"/locale/{locale}", follow_redirects=True)
    if account:
        browser.get("/login")
        fields = {
            "email": f"{account}@demo.example",
            "password": DEMO_PASSWORD,
            "_csrf_token": browser.cookies["csrftoken"],
        }
        browser.post("/login", data=fields, follow_redirects=True).raise_for_status()
    return browser


def pages_of(url: str, account: str, seeds: tuple[str, ...], complaints: list[str]) -> list[FoundPage]:
    """Every page that the account reaches from the seeds; a link that leads to an error is complained of."""
    # What stands first on its page comes first, so that every list is entered before one of them is read to its end.
    waiting, known = [(0, number, seed) for number, seed in enumerate(seeds)], set(seeds)
    seen: defaultdict[str, set[str]] = defaultdict(set)
    told_nothing: Counter[str] = Counter()
    found: list[FoundPage] = []
    with closing(log_in(url, account, "en")) as browser:
        while waiting:
            _rank, _number, address = heappop(waiting)
            kind = kind_of(address)
            if told_nothing[kind] >= PATIENCE and address not in seeds:
                continue
            with browser.stream("GET", address) as answer:
                is_page = answer.headers.get("content-type", "").startswith("text/html")
                if answer.is_redirect:
                    target = answer.headers["location"]
                    if target not in known and not target.startswith("/login"):
                        known.add(target)
                        heappush(waiting, (0, len(known), target))
                    continue
                if answer.is_error and address not in seeds:
                    complaints.append(f"{account or 'public'} {address}: status {answer.status_code}")
                if not is_page:
                    continue
                text = answer.read().decode()
            reader = _Reader()
            reader.feed(text)
            found.append(FoundPage(account, address, frozenset(reader.features)))
            told_nothing[kind] += len(reader.features - seen[kind]) < NEWS
            seen[kind] |= reader.features
            ranks: Counter[str] = Counter()
            for link in reader.links:
                target = urljoin(address, link.partition("#")[0])
                if not target.startswith("/") or target in known or CHANGES_THE_SESSION.match(target):
                    continue
                known.add(target)
                ranks[kind_of(target)] += 1
                heappush(waiting, (ranks[kind_of(target)], len(known), target))
    return found


def worth_a_picture(pages: list[FoundPage]) -> list[FoundPage]:
    """Greedy cover of what the pages of one kind show, whoever sees them; in the order they were found."""
    kinds: dict[str, list[FoundPage]] = defaultdict(list)
    for page in pages:
        kinds[kind_of(page.address)].append(page)
    chosen: list[FoundPage] = []
    for candidates in kinds.values():
        seen: set[str] = set()
        taken: Counter[str] = Counter()
        while candidates:
            best = max(candidates, key=lambda page: len(page.features - seen))
            if seen and len(best.features - seen) < NEWS:
                break
            candidates.remove(best)
            if taken[best.account] >= CHOSEN:
                continue
            taken[best.account] += 1
            seen |= best.features
            chosen.append(best)
    order = {id(page): number for number, page in enumerate(pages)}
    return sorted(chosen, key=lambda page: order[id(page)])
