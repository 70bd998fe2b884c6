"""What `gateway doctor` looks at: each check-up is a function that yields lines."""
