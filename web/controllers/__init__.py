"""Every controller, in the order of the menu. A route that is not listed here does not exist."""

from litestar.types import ControllerRouterHandler

from web.controllers.accounts import AccountController
from web.controllers.attachments import AttachmentController
from web.controllers.bids import BidController
from web.controllers.demo import DemoController
from web.controllers.home import HomeController, not_found
from web.controllers.profiles import ProfileController
from web.controllers.solvers import SolverController

ROUTES: list[ControllerRouterHandler] = [
    HomeController,
    BidController,
    AccountController,
    AttachmentController,
    DemoController,
    ProfileController,
    SolverController,
    not_found,
]
