"""The codes of what is found wrong with channels; docs/CHANNEL_FINDINGS.md says what each means."""

BAD_PATTERN = "C101"
INSIDE_ITEM = "C102"
ONE_NAME = "C103"
NO_CATALOGUE = "C104"
SAME_PLACE = "C105"
INSIDE = "C106"
NO_START = "C107"
