"""Limits on requests: their rate, their number at once, and a circuit breaker for a server that is down.

A request comes in and waits until it may be sent; what it asks for is unknown here. `rate_log` shares the rate among
the processes of one machine.
"""
