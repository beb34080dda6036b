"""The training command: `python -m src.train +idea=spectral_gate seed=42,137,256 -m`."""

from audition.cli.train import main

if __name__ == "__main__":
    main()
