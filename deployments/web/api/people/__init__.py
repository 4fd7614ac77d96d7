"""Sign-ins, people, invitations and keys, and the rights of each."""
