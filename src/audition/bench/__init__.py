"""`audition bench`: what this machine does a second, its best pool, and what a sweep will cost."""
