"""Organizations, their size, and what they can do."""

# Relationships name classes of one another's modules: whoever imports one model needs them all.
import solvers.models  # noqa: F401
