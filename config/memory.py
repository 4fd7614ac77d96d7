"""How Python's garbage collector is set in a process that lives long."""

import gc

#: Objects made since the last look. Python's own 700 suits short scripts: at a thousand
#: requests a second it looks several times in each.
YOUNG = 20_000


def settle() -> None:
    """Leave what is loaded by now out of every later collection.

    Modules and their classes are never garbage, and looking through all of them took
    the event loop away for tens of milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
