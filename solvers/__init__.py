"""Organizations and what they can do.

Models refer to each other by name, so whoever imports one of them gets them all.
"""

import solvers.models  # noqa: F401
