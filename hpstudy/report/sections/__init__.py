"""What a report says, section by section, as frozen plain data."""
