"""Query rewriting: written spelling, synonyms, typing errors, length."""
