"""Who may call the API: sign-ins, people, invitations, keys, and what each may do."""
