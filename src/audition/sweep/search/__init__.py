"""Search: points of a space asked for one by one, and an answer that is not the luckiest of them."""
