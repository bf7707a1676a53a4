"""The demonstration: fictional organizations, challenges and decisions, and accounts to look at them with."""

from web.demo.accounts import DEMO_ACCOUNTS, DEMO_PASSWORD, print_accounts
from web.demo.loader import load_demo_data

__all__ = ["DEMO_ACCOUNTS", "DEMO_PASSWORD", "load_demo_data", "print_accounts"]
