"""How does the browser hand a number to somebody's phone? By a link, or by a POST to a softphone or phone system.

The browser does it, never the server: a softphone listens on the rep's own machine, a phone system in their network.
"""

from urllib.parse import quote, urlsplit

from leads import numbers


def address(template: str, e164: str, extension: str = "") -> str:
    """Where the number goes: the user's own address with {number} (and {extension}) filled in, else a tel: link."""
    if not template:
        return numbers.tel_url(e164, extension)
    of_the_web = is_posted(template)
    number, inner = (quote(e164, safe=""), quote(extension, safe="")) if of_the_web else (e164, extension)
    return template.replace("{number}", number).replace("{extension}", inner)


def is_posted(template: str) -> bool:
    """Is the number posted to this address? Web addresses are, every other is a link for a program to follow."""
    return template.lower().startswith(("http://", "https://"))


def allowance(template: str) -> dict[str, list[str]]:
    """What the page's security policy must let through so that this phone can be reached, by directive."""
    if not template:
        return {}
    parts = urlsplit(template)
    if is_posted(template):
        return {"connect-src": ["'self'", f"{parts.scheme}://{parts.netloc}"]}
    return {"frame-src": [f"{parts.scheme}:"]}
