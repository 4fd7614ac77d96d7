import re


def read_answer(kind, text, choices, now, time_zone):
    if not text.strip():
        return None
    if kind == "email":
        m = re.search(r"[\w.]+@[\w.]+", text)
        return m[0] if m else None
    if kind == "choice":
        t = text.translate(str.maketrans("۱۲۳", "123"))
        return (
            choices[int(t) - 1] if t.isdigit() else (text if text in choices else None)
        )
    return text


def wants_to_skip(text, k):
    return text.strip() in k


def wants_to_exit(text, k):
    return text.strip() in k


def describe_expected(kind, choices, language) -> str:
    return "?"
