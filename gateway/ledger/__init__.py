"""What is intended and what is done: one SQLite file, the only state there is (DESIGN §1, §9)."""
