"""Expected and unexpected failures become a page, a fragment or problem+json, in the product's own look."""

import json
import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.exceptions.responses import create_debug_response
from litestar.types import Empty
from litestar.utils.scope.state import ScopeState
from sqlalchemy.exc import DataError
from sqlalchemy.orm.exc import StaleDataError

from core.errors import ConflictError, DomainError, InvalidError, LoginRequiredError
from core.i18n import gettext
from web.templating import is_htmx, render

logger = logging.getLogger(__name__)


def wants_json(request: Request[Any, Any, Any]) -> bool:
    return "application/json" in request.headers.get("accept", "")


def domain_error(request: Request[Any, Any, Any], error: DomainError) -> Response[Any]:
    if isinstance(error, LoginRequiredError) and not wants_json(request):
        return login_page(request)
    errors = (
        {name: str(text) for name, text in error.errors.items()} if isinstance(error, InvalidError) else {}
    )
    return _answer(request, error.status, str(error.message), errors)


def http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    status = error.status_code
    # A path or query that does not parse names nothing that exists.
    if isinstance(error, ValidationException) and request.method == "GET":
        status = 404
    messages = {
        400: gettext("The request could not be understood."),
        403: gettext(
            "The form was too old or came from elsewhere. Go back, reload the page and send it again."
        ),
        404: gettext("There is nothing at this address."),
        405: gettext("This address cannot be called in that way."),
        413: gettext("What was sent is too large."),
    }
    return _answer(request, status, messages.get(status, error.detail), {})


def stale_data(request: Request[Any, Any, Any], error: StaleDataError) -> Response[Any]:
    return domain_error(
        request, ConflictError(gettext("Somebody else has changed this meanwhile. Reload the page."))
    )


def unreadable_data(request: Request[Any, Any, Any], error: DataError) -> Response[Any]:
    """The database cannot hold what came, e.g. a zero byte in a text: that is the sender's mistake, not ours."""
    logger.warning("unreadable data at %s %s: %s", request.method, request.url.path, error.orig)
    return http_error(request, ValidationException())


def unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    logger.error("unexpected failure at %s %s", request.method, request.url.path, exc_info=error)
    if request.app.debug:
        return create_debug_response(request, error)
    message = gettext("Something went wrong on our side. It was logged; nothing was changed.")
    return _answer(request, 500, message, {})


def login_page(request: Request[Any, Any, Any]) -> Response[Any]:
    """Ask for a login where a page was asked for; what a form had sent is kept and sent again afterwards."""
    if is_htmx(request):
        return Response(
            content="", status_code=401, headers={"HX-Reswap": "none", "HX-Trigger": "login-required"}
        )
    replay = ""
    if request.method == "POST":
        form = ScopeState.from_scope(request.scope).form
        if form is not Empty:
            replay = json.dumps(_text_fields(form), ensure_ascii=False)
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return render(
        request, "accounts/login.html", status=401, target=target, replay=replay, email="", error=""
    )


def _text_fields(form: Any) -> list[list[str]]:
    """Name and value of every text field. Files are not kept: they would have to be chosen again."""
    return [
        [name, value]
        for name, values in form.items()
        for value in (values if isinstance(values, list) else [values])
        if isinstance(value, str) and name != "_csrf_token"
    ]


def _answer(
    request: Request[Any, Any, Any], status: int, message: str, errors: dict[str, str]
) -> Response[Any]:
    if wants_json(request):
        content = {"type": "about:blank", "title": message, "status": status, "errors": errors}
        return Response(content=content, status_code=status, media_type="application/problem+json")
    if is_htmx(request):
        # Shown as a toast by the page's script: the page itself stays as it is.
        return render(
            request,
            "errors/_toast.html",
            status=status,
            headers={"HX-Reswap": "beforeend", "HX-Retarget": "#toasts"},
            message=message,
            errors=errors,
        )
    return render(request, "errors/error.html", status=status, code=status, message=message, errors=errors)


EXCEPTION_HANDLERS: Any = {
    DomainError: domain_error,
    HTTPException: http_error,
    StaleDataError: stale_data,
    DataError: unreadable_data,
    Exception: unexpected,
}
