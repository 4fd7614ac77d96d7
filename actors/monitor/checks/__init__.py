"""One check of one service: when, how, through which policy, and what it found."""
