"""The periods of a program, on its own clock.

For a rehearsal a program's clock runs faster: its days are divided by `clock_factor`. Nobody else turns days of a
program into time.
"""

from datetime import datetime, timedelta

from challenges.programs.models import Program
from core.clock import to_shanghai


def period(program: Program, days: int) -> timedelta:
    """How long so many days of the program last."""
    return timedelta(days=days) / program.clock_factor


def end_of_full_days(program: Program, days: int, begin: datetime) -> datetime:
    """When so many full days in Asia/Shanghai have passed: the day of the beginning does not count."""
    if program.clock_factor == 1:
        begin = to_shanghai(begin).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return begin + period(program, days)


def earliest_end(program: Program, days: int, begin: datetime) -> datetime:
    """When a period of at least so many days may end.

    People count days, not hours: at the usual pace the day of the beginning counts from its first minute.
    """
    if program.clock_factor == 1:
        begin = to_shanghai(begin).replace(hour=0, minute=0, second=0, microsecond=0)
    return begin + period(program, days)
