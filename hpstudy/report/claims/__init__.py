"""What a study may claim, and the statistics behind it: findings, associations, importance."""
