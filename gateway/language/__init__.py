"""Script text and schedule text to trees and back; pure, no I/O."""
