"""Ends with 0 when this container's process says that it lives, with 1 and the reason otherwise.

A web process answers at PORT, every other role at WAYBILL_METRICS_PORT, so that is asked where it is set.
"""

import http.client
import os
import sys

BOUND_S = 3


def main() -> int:
    """Ask /health/live once; answers the exit code. Never goes through a proxy that HTTP_PROXY names."""
    port = int(os.environ.get("WAYBILL_METRICS_PORT") or 0) or int(os.environ.get("PORT") or 8000)
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=BOUND_S)
        connection.request("GET", "/health/live")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"port {port}: {error}")
        return 1
    if status != http.client.OK:
        print(f"port {port}: {status}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
