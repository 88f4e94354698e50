"""Who may sign in. Accounts and sign-ins are plain rows in accounts.db, not events (docs/adr/0004)."""
