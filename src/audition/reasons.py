"""Why a run ended before its budget did, as its record says it."""


def not_finite(what: str, value: float, step: int) -> str:
    """Why a run diverged: `what` was infinite or not a number."""
    return f"the {what} was {value} at step {step}"


def stopped(step: int) -> str:
    """Why a run was interrupted."""
    return f"stopped at step {step}"
