"""Persian pages that a browser printed to PDF are read in logical order."""

import pytest
from playwright.async_api import Browser

from retrieval.documents.files import read_file

pytestmark = pytest.mark.browser

HTML = """<html dir="rtl" lang="fa"><body style="width: 420px">
<p>خرید اقساطی فقط برای فاکتورهای بالای ۵ میلیون تومان انجام می شود.</p>
<p>کالای حراجی (کد A-120) قسطی فروخته نمی شود، مگر با تأیید مدیر فروش.</p>
<p dir="ltr">Cards of Visa and Mastercard do not work.</p></body></html>"""


async def test_a_printed_persian_page_is_read_as_it_was_written(
    browser: Browser,
) -> None:
    page = await browser.new_page()
    await page.set_content(HTML)
    text = " ".join(read_file("شرایط.pdf", await page.pdf()).text.split())
    assert "فقط برای فاکتورهای بالای ۵ میلیون تومان انجام می شود." in text
    assert "(کد A-120) قسطی فروخته نمی شود، مگر با تأیید مدیر فروش." in text
    assert "Cards of Visa and Mastercard do not work." in text
