"""A workspace full of invented people, calls and touchpoints, so that every screen has something to say."""


def logins() -> list[str]:
    """The lines that name the demo's logins and passphrase, to print at a start; [] where there is no demo."""
    from .access import in_words  # settings are not there yet when Django loads the app

    return in_words()
