"""What the kill test is made of: a gateway and its partners in a folder of their own, killed again and again."""
