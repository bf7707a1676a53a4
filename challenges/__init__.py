"""Programs, challenges, matches, bids and consortia.

Models refer to each other by name, so whoever imports one of them gets them all.
"""

import challenges.models  # noqa: F401
