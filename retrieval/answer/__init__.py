"""From ranked chunks to context, facts and composed answers, and the gate."""
