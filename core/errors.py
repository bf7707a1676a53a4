"""Expected failures. The web layer turns them into a page, a fragment or problem+json."""

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """Something the product expects to go wrong; `message` is shown to the person who caused it."""

    status = 400

    def __init__(self, message: Any, **details: Any) -> None:
        super().__init__(str(message))
        self.message = message
        self.details = details


class NotFoundError(DomainError):
    """Absent, or not to be known by this person: both look the same from outside."""

    status = 404


class ForbiddenError(DomainError):
    status = 403


class LoginRequiredError(DomainError):
    status = 401


class ConflictError(DomainError):
    """The thing has moved on meanwhile: a state that does not allow the step, or a concurrent change."""

    status = 409


class StaleError(ConflictError):
    """What is to be saved was saved elsewhere after its form was opened; `details["revision"]` is the present one."""


class ThrottledError(DomainError):
    status = 429


class InvalidError(DomainError):
    """Input that breaks a rule; `errors` names the field each message belongs to."""

    status = 422

    def __init__(self, errors: Mapping[str, Any]) -> None:
        super().__init__("; ".join(str(message) for message in errors.values()))
        self.errors = dict(errors)
