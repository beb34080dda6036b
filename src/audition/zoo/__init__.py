"""A trained model as a folder that transformers loads: weights, tokenizer, code and a card."""
