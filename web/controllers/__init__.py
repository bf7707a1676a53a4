"""Every controller, in the order of the menu. A route that is not listed here does not exist."""

from litestar.types import ControllerRouterHandler

from web.controllers.acceptances import AcceptanceController
from web.controllers.accounts import AccountController
from web.controllers.administration import AdministrationController
from web.controllers.allocations import AllocationController
from web.controllers.amendments import AmendmentController
from web.controllers.attachments import AttachmentController
from web.controllers.awards import AwardController
from web.controllers.bid_editing import BidEditingController
from web.controllers.bids import BidController, BidsOfChallengeController
from web.controllers.calendars import CalendarController
from web.controllers.checks import CheckController
from web.controllers.consortia import ConsortiumController
from web.controllers.contract_writing import ContractWritingController
from web.controllers.contracts import ContractController, ContractsOfChallengeController
from web.controllers.decisions import DecisionController
from web.controllers.demo import DemoController
from web.controllers.drafts import DraftController
from web.controllers.expert_imports import ExpertImportController
from web.controllers.experts import ExpertController
from web.controllers.exports import ExportController
from web.controllers.feed import challenge_feed
from web.controllers.histories import HistoryController
from web.controllers.home import HomeController, not_found
from web.controllers.invitations import InvitationController
from web.controllers.mail import MailController
from web.controllers.matches import MatchController
from web.controllers.milestones import MilestoneController
from web.controllers.notices import NoticeController
from web.controllers.notifications import NotificationController
from web.controllers.objections import ObjectionController
from web.controllers.officer import OfficerController
from web.controllers.organization_people import OrganizationPeopleController
from web.controllers.organizations import OrganizationController
from web.controllers.postings import ChallengeController
from web.controllers.profiles import ProfileController
from web.controllers.programs import ProgramController
from web.controllers.questions import QuestionController
from web.controllers.rechecks import RecheckController
from web.controllers.registration import RegistrationController
from web.controllers.results import ResultController
from web.controllers.reviewing import ReviewingController
from web.controllers.reviews import CriteriaController, ReviewController
from web.controllers.rounds import round_page
from web.controllers.saved import SavedController
from web.controllers.searches import SearchController
from web.controllers.solvers import SolverController
from web.controllers.statistics import DashboardController, StatisticsController
from web.controllers.uploads import UploadController
from web.controllers.what_if import WhatIfController

ROUTES: list[ControllerRouterHandler] = [
    HomeController,
    BidController,
    BidEditingController,
    BidsOfChallengeController,
    CheckController,
    ReviewController,
    ReviewingController,
    CriteriaController,
    ExpertController,
    ExpertImportController,
    RegistrationController,
    InvitationController,
    OrganizationController,
    OrganizationPeopleController,
    AdministrationController,
    MailController,
    AccountController,
    AttachmentController,
    UploadController,
    DemoController,
    ProfileController,
    SolverController,
    DraftController,
    challenge_feed,
    ChallengeController,
    QuestionController,
    AmendmentController,
    HistoryController,
    ProgramController,
    round_page,
    AllocationController,
    DashboardController,
    StatisticsController,
    SavedController,
    SearchController,
    ExportController,
    NotificationController,
    CalendarController,
    OfficerController,
    MatchController,
    AwardController,
    NoticeController,
    ObjectionController,
    ResultController,
    ConsortiumController,
    DecisionController,
    WhatIfController,
    RecheckController,
    ContractsOfChallengeController,
    ContractController,
    ContractWritingController,
    MilestoneController,
    AcceptanceController,
    not_found,
]
