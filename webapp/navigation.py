"""Links that open the phone's own map application at a stop."""

from urllib.parse import quote, urlencode

from backend_services.deliveries.queries import StopView

APPLE = ("iPhone", "iPad", "Macintosh")


def navigation_link(stop: StopView, user_agent: str) -> str:
    """An address that leads there: Apple's maps, any map application on Android, OpenStreetMap elsewhere.

    Without coordinates it looks for the stop's address, or its name where it has none.
    """
    name = stop.address or stop.location
    has_point = stop.latitude is not None and stop.longitude is not None
    point = f"{stop.latitude},{stop.longitude}"
    if any(system in user_agent for system in APPLE):
        return f"https://maps.apple.com/?{urlencode({'daddr': point if has_point else name})}"
    if "Android" in user_agent:
        label = quote(stop.location.replace("(", "").replace(")", ""))
        return f"geo:{point}?q={point}({label})" if has_point else f"geo:0,0?q={quote(name)}"
    if has_point:
        return f"https://www.openstreetmap.org/directions?{urlencode({'to': point})}"
    return f"https://www.openstreetmap.org/search?{urlencode({'query': name})}"
