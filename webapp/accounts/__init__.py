"""Who may sign in. Accounts and sign-ins are plain rows in a database of their own, not events (docs/adr/0004)."""
