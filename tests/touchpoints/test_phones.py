"""Does a number reach the phone of whoever dials, as a link or posted?"""

import pytest

from touchpoints import phones


@pytest.mark.parametrize(
    "template, extension, address",
    [
        pytest.param("", "", "tel:+12125550123", id="no phone of one's own"),
        pytest.param("", "12", "tel:+12125550123;ext=12", id="an extension"),
        pytest.param(
            "sip:{number}@pbx.example", "", "sip:+12125550123@pbx.example", id="a link keeps the plus"
        ),
        pytest.param(
            "https://pbx.example/dial?to={number}&x={extension}",
            "1&2",
            "https://pbx.example/dial?to=%2B12125550123&x=1%262",
            id="a web address is escaped",
        ),
    ],
)
def test_where_the_number_goes(template: str, extension: str, address: str) -> None:
    assert phones.address(template, "+12125550123", extension) == address


@pytest.mark.parametrize(
    "template, allowed",
    [
        ("", {}),
        ("zoiper:{number}", {"frame-src": ["zoiper:"]}),
        (
            "http://127.0.0.1:9101/dial/{number}",
            {"connect-src": ["'self'", "http://127.0.0.1:9101"]},
        ),
    ],
)
def test_the_page_lets_that_one_phone_through(template: str, allowed: dict[str, list[str]]) -> None:
    assert phones.allowance(template) == allowed
