"""What a customer meant: the question's other spellings and other words."""
