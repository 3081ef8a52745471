"""Which patients meet these criteria, and what shows it? definition, rules, screening, answer."""
