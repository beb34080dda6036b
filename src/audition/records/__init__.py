"""What is known of runs, as plain files: records, the store that holds them, plans made beforehand."""
