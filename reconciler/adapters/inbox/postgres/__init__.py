"""The inbox in PostgreSQL, for receivers on several machines. psycopg is imported in here alone."""
