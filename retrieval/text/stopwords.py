"""Words that a question is built with and that say nothing about its subject."""

from retrieval.text.normalise import normalise

# Folded as `normalise` folds them; formal and colloquial Persian, then English.
_WORDS = """
    ات اره از ازتون است اش الان ام اما ان انها او اون اونا اگر اگه ای ایا این اینا
    ایی با باشد باشه بخوام بدم بده بدید بدین براتون برام برای بشه بعد بله به بهتون
    بهش بهم بود بکنم بگو بگید بگین تا تر ترین تو توی حالا خب خسته خود خودتون خودم
    خیلی داخل دارد دارم داره داری دارید دارین داشته در دو دیگر دیگه را رو روی سلام شد
    شده شما شه شود فقط قبل لطفا ما مثل مثلا مرسی ممنون من مگه میتوان میتوانم میتونم
    میتونید میتونین میخواستم میخوام میخواهم میده میدید میدین میشه میشود میکند میکنم
    میکنه میکنید میکنین نباشید نداره ندارید ندارین نمیشه نمیکنه نه نیست ها های هر هست
    هستش هستم هستن هستید هستین هم همه همون همین هیچ هیچی و وقتی ولی پس چجوری چرا چطور
    چطوره چطوری چقد چقدر چقدره چند چندتا چنده چه چون چگونه چی چیست چیه چیکار
    کجا کجاس کجاست کدام کدوم کدومه کرد کردم کردن کردید کند کنم کنه کنید کنین که کی
    کیه یا یعنی یه یک
    a about am an and any are as at be been by can could did do does down for from
    get give got had has have he hello her here hi his how i if in into is it its
    many may me might much must my need no not of on or our out please she should
    some tell than thanks that the their then there these they this those to up want
    was we were what when where which who whom whose why will with would you your
"""
FILLERS = frozenset(_WORDS.split())


def content_words(question: str) -> list[str]:
    """Fold a question and keep the words that tell what it is about."""
    return [word for word in normalise(question).split() if word not in FILLERS]
