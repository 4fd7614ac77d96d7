"""The answering side: finds knowledge and writes answers from it."""
