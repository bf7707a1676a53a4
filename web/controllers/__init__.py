"""Every controller, in the order of the menu. A route that is not listed here does not exist."""

from litestar.types import ControllerRouterHandler

from web.controllers.accounts import AccountController
from web.controllers.home import HomeController, not_found

ROUTES: list[ControllerRouterHandler] = [
    HomeController,
    AccountController,
    not_found,
]
