def compare(operator, text, value):
    t, v = text.strip(), value.strip()
    m = {
        "equals_to": t == v,
        "start_with": t.startswith(v),
        "end_with": t.endswith(v),
        "contains": v in t,
    }
    o = operator.value
    if o in m:
        return m[o]
    return not m[{"not_equal": "equals_to"}.get(o, o.removeprefix("not_"))]
