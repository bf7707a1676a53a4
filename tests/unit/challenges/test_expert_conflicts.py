"""What keeps an expert off a panel, each rule beside the case just outside of it."""

import uuid
from typing import Any

import pytest

from challenges.reviews.conflicts import (
    ConflictKind,
    ExpertFacts,
    Organizations,
    Party,
    Ties,
    conflicts_of,
    mail_domain,
    plain,
)

OWN, BIDDER, PARENT, OTHER = (uuid.UUID(int=number) for number in range(1, 5))
NAMES = {OWN: "东海大学", BIDDER: "明州精密传动有限公司", PARENT: "华东集团", OTHER: "北方研究院"}
YEAR = 2026


def of(*keys: uuid.UUID) -> Organizations:
    return Organizations(frozenset(keys), frozenset(plain(NAMES[key]) for key in keys))


def expert(present: Organizations | None = None, **values: Any) -> ExpertFacts:
    return ExpertFacts("e", uuid.UUID(int=9), present or of(OWN), **values)


def kinds(facts: ExpertFacts, ties: Ties | None = None, **party: Any) -> list[ConflictKind]:
    parties = [Party(BIDDER, NAMES[BIDDER], **party)]
    return [item.kind for item in conflicts_of(facts, parties, ties or Ties(), YEAR)]


def test_who_has_nothing_to_do_with_a_party_has_no_conflict() -> None:
    assert kinds(expert()) == []


def test_an_employer_or_membership_is_a_conflict_by_number_and_by_name() -> None:
    assert kinds(expert(of(OWN, BIDDER))) == [ConflictKind.SAME_ORGANIZATION]
    named = Organizations(names=frozenset({plain(" 明州 精密传动有限公司")}))
    assert kinds(expert(named)) == [ConflictKind.SAME_ORGANIZATION]


@pytest.mark.parametrize(("until", "expected"), [(2026, True), (2021, True), (2020, False)])
def test_an_earlier_employer_counts_for_five_years(until: int, expected: bool) -> None:
    found = kinds(expert(past=((of(BIDDER), until),)))
    assert found == ([ConflictKind.FORMER_EMPLOYER] if expected else [])


def test_control_counts_in_either_direction_and_under_one_roof() -> None:
    assert kinds(expert(), Ties({BIDDER: of(OWN)})) == [ConflictKind.CONTROL]
    assert kinds(expert(), Ties({OWN: of(BIDDER)})) == [ConflictKind.CONTROL]
    assert kinds(expert(), Ties({OWN: of(PARENT), BIDDER: of(PARENT)})) == [ConflictKind.CONTROL]
    unregistered = Organizations(names=frozenset({"某集团"}))
    assert kinds(expert(), Ties({OWN: unregistered, BIDDER: unregistered})) == [ConflictKind.CONTROL]
    assert kinds(expert(), Ties({OWN: of(PARENT), BIDDER: of(OTHER)})) == []


def test_whose_employer_shares_a_consortium_with_a_party_has_a_conflict() -> None:
    assert kinds(expert(), Ties(partners={BIDDER: frozenset({OWN})})) == [ConflictKind.CO_MEMBER]
    assert kinds(expert(), Ties(partners={BIDDER: frozenset({OTHER})})) == []


def test_a_mail_domain_counts_unless_everybody_has_an_address_there() -> None:
    domains = frozenset({"mz-drive.example"})
    facts = expert(mail_domain=mail_domain("Zhou@MZ-Drive.example"))
    assert kinds(facts, mail_domains=domains) == [ConflictKind.SAME_MAIL_DOMAIN]
    assert mail_domain("zhou@163.com") == ""
    assert kinds(expert(mail_domain=""), mail_domains=frozenset({""})) == []


def test_an_officer_of_the_program_reviews_nothing_there() -> None:
    facts = expert()
    assert [item.kind for item in conflicts_of(facts, [], Ties(), YEAR, {facts.person_id})] == [
        ConflictKind.IN_CHARGE
    ]


def test_a_conflict_names_the_bid_it_is_with() -> None:
    bid = uuid.uuid4()
    (found,) = conflicts_of(expert(of(BIDDER)), [Party(BIDDER, NAMES[BIDDER], bid_id=bid)], Ties(), YEAR)
    assert (found.bid_id, found.name) == (bid, NAMES[BIDDER])
