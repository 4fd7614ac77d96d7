"""A library about text: normalise, chunk, embed, search, judge, cite.

The menu is empty on purpose: importing `retrieval.index.knowledge` for its records must
not load an index, a matrix library and a model with them.
"""
