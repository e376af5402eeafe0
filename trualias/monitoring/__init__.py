"""What is counted: plain numbers, without Twisted."""
