"""Git: the only package that starts it. Ledger, branch, base, merge driver."""
