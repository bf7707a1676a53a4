"""Forms that hold more than files, in a browser: their files go out in pieces, then the form with the button pressed."""

from pathlib import Path

import pytest
from playwright.async_api import Route, expect
from sqlalchemy import select

from challenges.checks.models import CheckState
from challenges.milestones.queries import milestones_of
from core.attachments import Attachment
from core.settings import Settings
from core.uploads import PIECE_BYTES, Upload
from tests.browser.conftest import LogIn
from tests.factories import Factory
from tests.integration.contracting import at_work
from tests.integration.test_checking_bids import requested

pytestmark = pytest.mark.browser


async def test_the_files_of_a_report_go_on_where_they_stopped(
    log_in: LogIn, make: Factory, settings: Settings, tmp_path: Path
) -> None:
    case, (contract,) = await at_work(make, settings)
    first = (await milestones_of(case.session, contract.id))[0]
    await case.session.commit()
    person = await case.session.get_one(type(case.editor), case.teams[0].lead_actor.person_id)
    files = [tmp_path / "样件检测报告.pdf", tmp_path / "照片.png"]
    files[0].write_bytes(b"%PDF-1.7 " + bytes(2 * PIECE_BYTES))
    files[1].write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    page = await log_in(person, to=f"/contracts/{contract.id}/milestones")
    offsets: list[str] = []

    async def second_is_lost(route: Route) -> None:
        offsets.append(route.request.url.rpartition("=")[2])
        if len(offsets) == 2:
            await route.abort("connectionfailed")
        else:
            await route.continue_()

    await page.route("**/pieces?offset=*", second_is_lost)
    card = page.locator(f"#m-{first.id}")
    await card.locator("summary").click()
    await card.locator("textarea").fill("样件已完成，检测合格。")
    await card.locator("input[type=file]").set_input_files(files)
    await card.locator("form button.btn-primary").click()
    await expect(card.get_by_role("link", name="样件检测报告.pdf")).to_be_visible(timeout=20_000)
    await expect(card.get_by_role("link", name="照片.png")).to_be_visible()
    assert offsets == ["0", str(PIECE_BYTES), str(PIECE_BYTES), str(2 * PIECE_BYTES), "0"]
    assert (await make.session.scalars(select(Upload.id))).all() == []


async def test_the_button_that_was_pressed_counts_and_a_refused_file_keeps_the_form(
    log_in: LogIn, make: Factory, tmp_path: Path
) -> None:
    stage, check = await requested(make)
    page = await log_in(stage.people[0], to=f"/checks/{check.id}")
    wrong, right = tmp_path / "第三页.pdf", tmp_path / "第四页.pdf"
    wrong.write_bytes(b"<html>")
    right.write_bytes(b"%PDF-1.7")
    await page.fill("textarea[name=text]", "现补交第三页")
    await page.set_input_files("#file", wrong)
    await page.click("button[value=hand_in]")
    await expect(page.locator("#file-error")).to_contain_text("PDF")
    await expect(page.locator("textarea[name=text]")).to_have_value("现补交第三页")
    await page.set_input_files("#file", right)
    await page.click("button[value=hand_in]")
    await expect(page.get_by_role("link", name="第四页.pdf")).to_be_visible(timeout=20_000)
    await make.session.refresh(check)
    assert check.state is CheckState.COMPLETED
    names = await make.session.scalars(select(Attachment.name).where(Attachment.subject_type == "completion"))
    assert list(names) == ["第四页.pdf"]
