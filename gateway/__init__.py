"""File-transfer gateway: action scripts say what moves where, and every file arrives whole, once, provably."""
