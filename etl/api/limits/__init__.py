"""How often, how many at once and whether at all requests may be sent: rate, concurrency, circuit breaker.

They hold back requests and know nothing of what is asked. `rate_log` shares the rate among processes of one machine.
"""
