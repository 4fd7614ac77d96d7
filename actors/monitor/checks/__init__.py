"""One check of one service: when, how, through which walls, and what it found."""
