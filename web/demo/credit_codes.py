"""Valid unified social credit codes for fictional organizations."""

from stdnum.cn import uscc

from solvers.models import OrganizationKind

# First character: the registering department (9 market regulation, 1 public institutions); second: the category.
PREFIXES = {
    OrganizationKind.ENTERPRISE: "91",
    OrganizationKind.RESEARCH_INSTITUTE: "12",
    OrganizationKind.UNIVERSITY: "12",
}


def credit_code(kind: OrganizationKind, region_code: str, number: int) -> str:
    """The `number`-th code of a region, with the check character of GB 32100-2015.

    >>> credit_code(OrganizationKind.ENTERPRISE, "3205", 7)[:8]
    '91320500'
    """
    head = f"{PREFIXES[kind]}{region_code:0<6}MAD{number:06d}"
    return head + uscc.calc_check_digit(head)
