"""Text into batches: corpora, tokenizers, a shared cache of token ids, and windows cut from it.

A source (`Shakespeare`, `StandardLibrary`, `TinyShakespeare`) is a frozen value made without torch,
so that a sweep can know what a run's data is before any run starts.
"""
