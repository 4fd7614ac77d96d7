"""What `pilito up` starts, in which order, and how all of it stops again.

Nothing is re-exported: every Ray worker imports `loopback` from here and should not
pay for the rest.
"""
