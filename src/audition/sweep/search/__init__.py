"""Search: trials proposed one by one, and the best of them judged on fresh seeds."""
