"""Jinja2: what every template can use, and `render`, which every controller returns."""

import hashlib
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal, format_percent
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.template.base import csrf_token
from litestar.template.config import TemplateConfig
from markupsafe import Markup
from sqlalchemy import inspect

from core.actor import ANONYMOUS
from core.clock import SHANGHAI, named_end, utc_now
from core.i18n import LOCALES, current_locale, gettext, ngettext, plural_message
from solvers.fields import field_name, subfield_name
from solvers.industries import show_industry
from solvers.regions import city_name, region_name
from web.labels import label
from web.requests import moment_of
from web.tables import show_cell

ROOT = Path(__file__).parent.parent
TEMPLATES_DIR = ROOT / "templates"
STATIC_DIR = Path(__file__).parent / "static"
FLASH_COOKIE = "jiebang_flash"


@cache
def static_url(path: str) -> str:
    """Address of a file below web/static; changes with its content, so that it may be cached for ever."""
    digest = hashlib.sha256((STATIC_DIR / path).read_bytes()).hexdigest()[:12]
    return f"/static/{path}?v={digest}"


def show_datetime(moment: datetime | None) -> str:
    """Minute in Asia/Shanghai."""
    if moment is None:
        return "–"
    return format_datetime(moment.astimezone(SHANGHAI), "yyyy-MM-dd HH:mm", locale=current_locale())


def show_date(day: date | datetime | None) -> str:
    if day is None:
        return "–"
    if isinstance(day, datetime):
        day = day.astimezone(SHANGHAI).date()
    return format_date(day, "yyyy-MM-dd", locale=current_locale())


def show_end(end: datetime | None) -> str:
    """The last day of a period of whole days, else the minute in which it ends."""
    named = None if end is None else named_end(end)
    return show_datetime(named) if isinstance(named, datetime) else show_date(named)


@pass_context
def show_time_left(context: Any, moment: datetime) -> str:
    """How far away a moment is, e.g. "in 3 days"."""
    left: timedelta = moment - context["now"]()
    days = round(abs(left) / timedelta(days=1))
    # Babel would go on to weeks and months, in which nobody plans a deadline.
    if 2 <= days <= 99:
        if left > timedelta(0):
            return ngettext("in %(num)s day", "in %(num)s days", days)
        return ngettext("%(num)s day ago", "%(num)s days ago", days)
    return format_timedelta(left, add_direction=True, locale=current_locale())


def show_wan(amount: Decimal | int | str | None) -> str:
    """An amount in 万元 with its unit; trailing zeros are dropped."""
    if amount is None:
        return "–"
    number = format_decimal(Decimal(amount).normalize(), "#,##0.##", locale=current_locale())
    return gettext("%(number)s 万元", number=number)


def show_number(amount: Decimal | int) -> str:
    """An amount without its unit, where the table names it."""
    return format_decimal(Decimal(amount).normalize(), "#,##0.##", locale=current_locale())


def show_percent(share: Any, digits: int = 0) -> str:
    if share is None:
        return "–"
    pattern = "#,##0%" if digits == 0 else "#,##0." + "#" * digits + "%"
    return format_percent(Decimal(str(share)), pattern, locale=current_locale())


def show_score(score: float) -> str:
    """A score in [0, 1] as points out of 100 with one decimal."""
    return format_decimal(round(score * 100, 1), "0.0", locale=current_locale())


def query_string(parameters: dict[str, Any], **changes: Any) -> str:
    """`parameters` with `changes` made (None removes), encoded behind a "?"."""
    merged = {**parameters, **changes}
    encoded = urlencode(
        {name: value for name, value in merged.items() if value not in (None, "", [])}, doseq=True
    )
    return f"?{encoded}" if encoded else "?"


def clock_factor_of(*things: Any) -> int:
    """How much faster than the calendar the clock of the page's program runs, found through what the page is about."""
    for thing in things:
        if thing is None or not hasattr(thing, "__table__"):
            continue
        if hasattr(thing, "clock_factor"):
            return thing.clock_factor
        for name in ("program", "challenge"):
            if hasattr(type(thing), name) and name not in inspect(thing).unloaded:
                return clock_factor_of(getattr(thing, name))
    return 1


@pass_context
def csrf_input(context: Any) -> Markup:
    token = csrf_token(context)
    return Markup('<input type="hidden" name="_csrf_token" value="{}">').format(token)


def make_environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_callables(gettext, plural_message, newstyle=True)  # type: ignore[attr-defined]
    environment.globals.update(
        label=label,
        static_url=static_url,
        query_string=query_string,
        locales=LOCALES,
        current_locale=current_locale,
        now=utc_now,
        csrf_field=csrf_input,
        clock_factor_of=clock_factor_of,
        subfield_name=subfield_name,
        region_name=region_name,
        city_name=city_name,
        field_name=field_name,
        show_industry=show_industry,
        show_cell=show_cell,
    )
    environment.filters.update(
        datetime=show_datetime,
        moment=datetime.fromisoformat,
        date=show_date,
        end=show_end,
        time_left=show_time_left,
        wan=show_wan,
        wan_number=show_number,
        percent=show_percent,
        score=show_score,
    )
    return environment


def template_config() -> TemplateConfig[JinjaTemplateEngine]:
    return TemplateConfig(instance=JinjaTemplateEngine.from_environment(make_environment()))


def is_htmx(request: Request[Any, Any, Any]) -> bool:
    """A fragment is asked for, not a whole page."""
    return (
        request.headers.get("hx-request") == "true"
        and request.headers.get("hx-history-restore-request") != "true"
    )


def page_context(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """What the layout needs on every page."""
    actor = request.scope.get("user") or ANONYMOUS
    return {
        "actor": actor,
        "memberships": request.scope.get("auth") or [],
        # Without the middleware, as at files that are missing, nobody is logged in.
        "unread": request.scope["state"].get("unread_notifications", 0),
        # The hour that the page is of; what its request reads from the database is judged by the same clock.
        "now": lambda: moment_of(request),
        "is_demo": request.app.state.process.settings.demo,
        "path": request.url.path,
        "full_path": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "flashes": [unquote(request.cookies[FLASH_COOKIE])] if request.cookies.get(FLASH_COOKIE) else [],
    }


def render(
    request: Request[Any, Any, Any],
    template: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **context: Any,
) -> Template:
    """A page or fragment. Pages are never cached by browsers or proxies: they differ by reader."""
    cookies = []
    if FLASH_COOKIE in request.cookies and not is_htmx(request):
        cookies.append(Cookie(key=FLASH_COOKIE, value="", max_age=0, path="/"))
    return Template(
        template_name=template,
        context={**page_context(request), **context},
        status_code=status,
        cookies=cookies,
        headers={"cache-control": "no-store", "vary": "HX-Request", **(headers or {})},
    )


def redirect(
    request: Request[Any, Any, Any],
    path: str,
    *,
    flash: str | None = None,
    cookies: list[Cookie] | None = None,
) -> Response[Any]:
    """Go on to `path` after a POST, with a message shown there once; htmx is told by its own header."""
    cookies = list(cookies or [])
    if flash is not None:
        cookies.append(
            Cookie(
                key=FLASH_COOKIE,
                value=_cookie_text(flash),
                max_age=60,
                path="/",
                httponly=True,
                samesite="lax",
            )
        )
    if is_htmx(request):
        return Response(content="", status_code=200, headers={"HX-Redirect": path}, cookies=cookies)
    return Redirect(path, status_code=303, cookies=cookies)


def _cookie_text(text: str) -> str:
    return quote(text, safe="")
