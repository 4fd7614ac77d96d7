"""Persian or English, by script."""

import pytest

from retrieval.text.language import Language, detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("هزینه ارسال چقدر است؟", Language.FA),
        ("قیمت Nike Air Max", Language.FA),
        ("كد AVIN10 چيه", Language.FA),
        ("How much is shipping?", Language.EN),
        ("ramz voroodam ro gom kardam", Language.EN),
        ("I bought the مانتو dress from your Instagram page", Language.EN),
        ("این موجوده؟ https://narvan.example/shop/linen-shirt-blue-xl", Language.FA),
        ("چند؟ www.narvan.example/a salam@narvan.example @narvan_shop", Language.FA),
        ("https://narvan.example/shop/linen-shirt", Language.FA),
        ("https://narvan.example/a،قیمتش Nike", Language.FA),
        ("Is it there? https://fa.narvan.example/پیراهن-آبی-مردانه", Language.EN),
        ("۱۲۳؟", Language.FA),
        ("", Language.FA),
    ],
)
def test_the_language_is_told_by_the_share_of_persian_letters(
    text: str, language: Language
) -> None:
    assert detect_language(text) is language
