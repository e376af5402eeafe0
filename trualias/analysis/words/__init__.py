"""Lists of words that people put into addresses: names of companies and sites."""
