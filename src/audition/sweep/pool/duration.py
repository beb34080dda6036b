"""Seconds as a person says them."""


def spoken(seconds: float) -> str:
    """`7.3 s`, `61 s`, `12 min`, `3 h 05 min`: as exact as anyone needs."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d} min"
