"""How evenly money is spread. Pure; amounts are integers or Decimals, answers are exact fractions."""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

Amounts = Sequence[Decimal | int]


def lorenz_curve(amounts: Amounts) -> list[tuple[Fraction, Fraction]]:
    """Points (i/n, Σ_{j≤i} x_j / Σ x) for i = 0…n with x in ascending order: the share of all money that the poorest
    i of n hold.

    Range [0, 1]²; with no money at all the diagonal. Source: M. O. Lorenz, Methods of Measuring the Concentration of
    Wealth, Publications of the American Statistical Association 9 (1905), 209-219.

    >>> lorenz_curve([3, 1])
    [(Fraction(0, 1), Fraction(0, 1)), (Fraction(1, 2), Fraction(1, 4)), (Fraction(1, 1), Fraction(1, 1))]
    """
    ordered = sorted(Fraction(amount) for amount in amounts)
    total, count = sum(ordered, Fraction(0)), len(ordered)
    points = [(Fraction(0), Fraction(0))]
    held = Fraction(0)
    for number, amount in enumerate(ordered, start=1):
        held += amount
        points.append((Fraction(number, count), held / total if total else Fraction(number, count)))
    return points


def gini_coefficient(amounts: Amounts) -> Fraction | None:
    """G = Σ_i (2i − n − 1)·x_i / (n·Σ x) with x in ascending order, i = 1…n: twice the area between the Lorenz curve
    and the diagonal.

    Range [0, 1 − 1/n]: 0 where all hold the same, 1 − 1/n where one holds everything; None without money. Source:
    C. Gini, Variabilità e mutabilità (1912), in the ordered form of A. Sen, On Economic Inequality (1973), § 2.8.

    >>> gini_coefficient([1, 1, 4])
    Fraction(1, 3)
    """
    ordered = sorted(Fraction(amount) for amount in amounts)
    total, count = sum(ordered, Fraction(0)), len(ordered)
    if not total:
        return None
    weighted = sum(
        ((2 * number - count - 1) * amount for number, amount in enumerate(ordered, start=1)), Fraction(0)
    )
    return weighted / (count * total)


def herfindahl_index(amounts: Amounts) -> Fraction | None:
    """HHI = Σ_i (x_i / Σ x)², the chance that two 万元 drawn at random went to the same organization.

    Range [1/n, 1]; None without money. Source: A. O. Hirschman, The Paternity of an Index, American Economic Review 54
    (1964), 761-762.

    >>> herfindahl_index([1, 1, 2])
    Fraction(3, 8)
    """
    total = sum((Fraction(amount) for amount in amounts), Fraction(0))
    if not total:
        return None
    return sum(((Fraction(amount) / total) ** 2 for amount in amounts), Fraction(0))
