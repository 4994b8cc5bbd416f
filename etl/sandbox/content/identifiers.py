"""Persistent identifiers of people and organisations, with correct and, on purpose, wrong check digits."""

from __future__ import annotations

_ROR_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def orcid(number: int, *, valid: bool = True) -> str:
    """Write a 16-character ORCID iD (ISO 7064 11,2) for a number below 10**15."""
    digits = f"{number:015d}"
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    last = check if valid else (check + 1) % 10
    text = digits + ("X" if last == 10 else str(last))
    return "-".join(text[start : start + 4] for start in range(0, 16, 4))


def ror(number: int, *, valid: bool = True) -> str:
    """Write a ROR id (ISO 7064 97,10 over Crockford base 32) for a number below 2**30."""
    digits, rest = "", number
    for _ in range(6):
        digits, rest = _ROR_DIGITS[rest % 32] + digits, rest // 32
    check = 98 - (number * 100) % 97
    return f"https://ror.org/0{digits}{check if valid else (check + 7) % 97:02d}"
