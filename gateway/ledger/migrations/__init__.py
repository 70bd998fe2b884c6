"""The steps from an empty file to the tables of this version (Alembic)."""
