"""What HTTP is made of, without a connection: origins and redirects, compressed bodies, proxies, certificates.

Addresses, settings and bytes come in; decisions and errors in plain words go out. Requests are sent by `transport`.
"""
