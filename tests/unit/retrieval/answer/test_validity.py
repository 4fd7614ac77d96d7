"""A text that says of itself that it is over is told from one about old things."""

import pytest

from retrieval.answer.validity import is_outdated

OUTDATED = [
    pytest.param("نرخ‌نامه", "این نرخ‌نامه منسوخ است.", id="it says so"),
    pytest.param("جشنواره", "این تخفیف دیگر معتبر نیست.", id="this is not valid"),
    pytest.param("بایگانی نرخ خدمات", "روشویی ۱۲۰ هزار تومان.", id="an archive"),
    pytest.param("قوانین قدیمی کارواش", "نوبت لازم است.", id="old rules"),
    pytest.param("Price list (archived)", "Hand wash: 200.", id="archived"),
    pytest.param("Prices", "This list is no longer valid.", id="English"),
]
VALID = [
    pytest.param("کارواش", "روشویی ۱۵۰ هزار تومان است.", id="a plain text"),
    pytest.param("قوانین", "قوانین قبلی منسوخ شد.", id="another text is over"),
    pytest.param("خودروهای قدیمی", "خودروی قدیمی هم می‌شوییم.", id="old things"),
    pytest.param("نان قدیمی", "این نان هر روز پخته می‌شود.", id="this, of a thing"),
    pytest.param("", "", id="nothing"),
]


@pytest.mark.parametrize(("title", "text"), OUTDATED)
def test_a_text_that_was_replaced_or_has_expired_is_outdated(
    title: str, text: str
) -> None:
    assert is_outdated(title, text)


@pytest.mark.parametrize(("title", "text"), VALID)
def test_a_text_about_something_old_is_valid(title: str, text: str) -> None:
    assert not is_outdated(title, text)
