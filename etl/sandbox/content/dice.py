"""Deterministic randomness: the same seed gives the same values on every machine, by column or one by one."""

from __future__ import annotations

import random

import polars as pl

_STEP = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
_MASK = (1 << 64) - 1


def dice(*words: object) -> random.Random:
    """Return a random generator that depends only on the words."""
    return random.Random("/".join(map(str, words)))


def salt(seed: int, name: str) -> int:
    """Return a 64-bit number for one named use of a seed."""
    return dice(seed, name).getrandbits(64) & _MASK


def scrambled(number: pl.Expr, by: int) -> pl.Expr:
    """Scramble unsigned 64-bit numbers (splitmix64; polars multiplication wraps)."""
    mixed = number * _STEP + pl.lit(by, dtype=pl.UInt64)
    mixed = (mixed ^ (mixed // (1 << 30))) * _FIRST
    mixed = (mixed ^ (mixed // (1 << 27))) * _SECOND
    return mixed ^ (mixed // (1 << 31))


def chance(number: pl.Expr, by: int) -> pl.Expr:
    """Return a number in [0, 1) for each row."""
    return (scrambled(number, by) // (1 << 11)).cast(pl.Float64) / float(1 << 53)
