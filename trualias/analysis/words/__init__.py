"""Names of companies and sites: what people put into the addresses that they make up at a counter."""
