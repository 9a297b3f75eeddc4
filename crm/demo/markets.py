"""Where do the people of the demo live, in which zone, and which numbers can nobody there own?

Each range is set aside for fiction, or cannot be given to a subscriber. Sources: 555-0100 to 555-0199 of each
area code (ATIS 0300115), Ofcom's numbers for drama, ACMA's numbers for use in creative works, the German
Bundesnetzagentur's Mitteilung 148/2021, ARCEP's numbers for audiovisual works, the Swedish PTS's numbers for books
and films. Denmark: the series 68 holds replacement numbers inside the networks. Poland, Russia, Nepal: after the
area code no subscriber's number begins with 0, the trunk prefix. India has no such range that the library for
phone numbers accepts, so nobody in the demo has an Indian number.
"""

import re
from dataclasses import dataclass

from .names import DA, DE, EN_AU, EN_GB, EN_US, FR, NE, PL, RU, SV, Locale


@dataclass(frozen=True, slots=True)
class Market:
    """A city with its zone and its fictional numbers: `prefix` followed by `digits` digits."""

    country: str
    region: str
    city: str
    zone: str
    language: str
    locale: Locale
    prefix: str
    digits: int
    postcode: str
    weight: float
    band: str
    first: int = 0
    last: int | None = None

    @property
    def capacity(self) -> int:
        return (10**self.digits - 1 if self.last is None else self.last) - self.first + 1

    def number(self, index: int) -> str:
        return f"{self.prefix}{self.first + index:0{self.digits}d}"


# area code, state, city, postcode's beginning
_US = """
E New_York: 212 NY New York 100; 315 NY Syracuse 132; 518 NY Albany 122; 585 NY Rochester 146; 617 MA Boston 021;
508 MA Worcester 016; 413 MA Springfield 011; 203 CT New Haven 065; 860 CT Hartford 061; 401 RI Providence 029;
603 NH Manchester 031; 802 VT Burlington 054; 207 ME Portland 041; 201 NJ Jersey City 073; 973 NJ Newark 071;
215 PA Philadelphia 191; 412 PA Pittsburgh 152; 717 PA Harrisburg 171; 302 DE Wilmington 198; 410 MD Baltimore 212;
301 MD Rockville 208; 202 DC Washington 200; 703 VA Arlington 222; 804 VA Richmond 232; 757 VA Norfolk 235;
304 WV Charleston 253; 919 NC Raleigh 276; 704 NC Charlotte 282; 336 NC Greensboro 274; 803 SC Columbia 292;
843 SC Charleston 294; 404 GA Atlanta 303; 912 GA Savannah 314; 305 FL Miami 331; 813 FL Tampa 336;
904 FL Jacksonville 322; 407 FL Orlando 328; 216 OH Cleveland 441; 614 OH Columbus 432; 513 OH Cincinnati 452
E Detroit: 313 MI Detroit 482; 616 MI Grand Rapids 495
C Chicago: 312 IL Chicago 606; 217 IL Springfield 627; 309 IL Peoria 616; 414 WI Milwaukee 532; 608 WI Madison 537;
612 MN Minneapolis 554; 651 MN Saint Paul 551; 515 IA Des Moines 503; 319 IA Cedar Rapids 524; 314 MO St. Louis 631;
816 MO Kansas City 641; 417 MO Springfield 658; 402 NE Omaha 681; 501 AR Little Rock 722; 504 LA New Orleans 701;
225 LA Baton Rouge 708; 205 AL Birmingham 352; 601 MS Jackson 392; 901 TN Memphis 381; 615 TN Nashville 372;
713 TX Houston 770; 214 TX Dallas 752; 512 TX Austin 787; 210 TX San Antonio 782; 817 TX Fort Worth 761;
405 OK Oklahoma City 731; 918 OK Tulsa 741; 316 KS Wichita 672
W Denver: 303 CO Denver 802; 719 CO Colorado Springs 809; 505 NM Albuquerque 871; 801 UT Salt Lake City 841;
307 WY Cheyenne 820; 406 MT Billings 591
W Phoenix: 602 AZ Phoenix 850; 520 AZ Tucson 857
W Los_Angeles: 206 WA Seattle 981; 509 WA Spokane 992; 503 OR Portland 972; 415 CA San Francisco 941;
916 CA Sacramento 958; 213 CA Los Angeles 900; 619 CA San Diego 921; 559 CA Fresno 937; 408 CA San Jose 951;
510 CA Oakland 946; 702 NV Las Vegas 891; 775 NV Reno 895
W Anchorage: 907 AK Anchorage 995
"""
_CA = """
E Toronto: 416 ON Toronto M5V 2T6; 613 ON Ottawa K1P 1J1; 519 ON London N6A 3K7; 514 QC Montréal H3B 1A7
E Halifax: 902 NS Halifax B3J 3R7
C Winnipeg: 204 MB Winnipeg R3C 4T3
C Regina: 306 SK Regina S4P 3Y2
W Edmonton: 403 AB Calgary T2P 2M5; 780 AB Edmonton T5J 2R7
W Vancouver: 604 BC Vancouver V6B 1H7
"""


def _north_america(table: str, country: str, weight: float) -> list[Market]:
    """Every area code of a table of lines "band zone: code state city postcode; …"."""
    markets = []
    for line in table.strip().replace(";\n", "; ").splitlines():
        head, cities = line.split(": ", 1)
        band, zone = head.split()
        for entry in cities.split("; "):
            code, state, city, postcode = re.fullmatch(
                r"(\d{3}) (\w\w) (.+?) (\w\d\w \d\w\d|\d{3})", entry.strip()
            ).groups()  # type: ignore[union-attr]
            prefix = f"+1{code}55501"
            zone_name = f"America/{zone}"
            markets.append(
                Market(
                    country, state, city, zone_name, "en", EN_US, prefix, 2, postcode, weight, f"US-{band}"
                )
            )
    return markets


def _city(
    country: str,
    region: str,
    city: str,
    zone: str,
    prefix: str,
    digits: int,
    postcode: str,
    weight: float,
    *,
    first: int = 0,
    last: int | None = None,
) -> Market:
    language, locale, band = _COUNTRIES[country]
    return Market(
        country, region, city, zone, language, locale, prefix, digits, postcode, weight, band, first, last
    )


_COUNTRIES: dict[str, tuple[str, Locale, str]] = {
    "GB": ("en", EN_GB, "EU"),
    "DE": ("de", DE, "EU"),
    "FR": ("fr", FR, "EU"),
    "SE": ("sv", SV, "EU"),
    "DK": ("da", DA, "EU"),
    "PL": ("pl", PL, "EU"),
    "RU": ("ru", RU, "ASIA"),
    "NP": ("en", NE, "ASIA"),
    "AU": ("en", EN_AU, "PACIFIC"),
    "US": ("en", EN_US, "PACIFIC"),
}
_LONDON, _BERLIN, _PARIS, _WARSAW = "Europe/London", "Europe/Berlin", "Europe/Paris", "Europe/Warsaw"
_STOCKHOLM, _COPENHAGEN = "Europe/Stockholm", "Europe/Copenhagen"

MARKETS: tuple[Market, ...] = (
    *_north_america(_US, "US", 0.40),
    *_north_america(_CA, "CA", 0.5),
    _city("US", "HI", "Honolulu", "Pacific/Honolulu", "+180855501", 2, "968", 1.2),
    _city("GB", "", "London", _LONDON, "+442079460", 3, "EC1A 4HD", 3.0),
    _city("GB", "", "Leeds", _LONDON, "+441134960", 3, "LS1 5AA", 0.8),
    _city("GB", "", "Sheffield", _LONDON, "+441144960", 3, "S1 2HH", 0.6),
    _city("GB", "", "Bristol", _LONDON, "+441174960", 3, "BS1 4ND", 0.8),
    _city("GB", "", "Birmingham", _LONDON, "+441214960", 3, "B2 4QA", 1.0),
    _city("GB", "", "Edinburgh", _LONDON, "+441314960", 3, "EH2 2ER", 0.8),
    _city("GB", "", "Glasgow", _LONDON, "+441414960", 3, "G1 3SL", 0.8),
    _city("GB", "", "Liverpool", _LONDON, "+441514960", 3, "L2 2DY", 0.7),
    _city("GB", "", "Manchester", _LONDON, "+441614960", 3, "M2 5DB", 1.0),
    _city("GB", "", "Newcastle", _LONDON, "+441914980", 3, "NE1 7RU", 0.6),
    _city("GB", "", "Belfast", _LONDON, "+44289649", 4, "BT1 5GS", 0.5, first=6000, last=6999),
    _city("GB", "", "Cardiff", _LONDON, "+4429201", 5, "CF10 1DD", 0.6, first=80000, last=80999),
    _city("DE", "", "Berlin", _BERLIN, "+493023125", 3, "10115", 2.0),
    _city("DE", "", "Frankfurt", _BERLIN, "+496990009", 3, "60311", 1.4),
    _city("DE", "", "Hamburg", _BERLIN, "+494066969", 3, "20095", 1.6),
    _city("DE", "", "Köln", _BERLIN, "+492214710", 3, "50667", 1.4),
    _city("DE", "", "München", _BERLIN, "+498999998", 3, "80331", 1.8),
    _city("FR", "", "Paris", _PARIS, "+3319900", 4, "75002", 1.4),
    _city("FR", "", "Rennes", _PARIS, "+3326191", 4, "35000", 0.6),
    _city("FR", "", "Lyon", _PARIS, "+3346571", 4, "69002", 0.8),
    _city("SE", "", "Göteborg", _STOCKHOLM, "+46313900", 3, "411 03", 0.5, first=600, last=699),
    _city("SE", "", "Malmö", _STOCKHOLM, "+46406280", 3, "211 20", 0.6, first=400, last=499),
    _city("SE", "", "Stockholm", _STOCKHOLM, "+46846500", 3, "111 20", 0.5, first=400, last=499),
    _city("DK", "", "København", _COPENHAGEN, "+456800", 4, "1560", 2.6),
    _city("DK", "", "Aarhus", _COPENHAGEN, "+456801", 4, "8000", 1.6),
    _city("DK", "", "Odense", _COPENHAGEN, "+456802", 4, "5000", 1.0),
    _city("DK", "", "Aalborg", _COPENHAGEN, "+456803", 4, "9000", 0.8),
    _city("PL", "", "Warszawa", _WARSAW, "+4822000", 4, "00-012", 2.0),
    _city("PL", "", "Kraków", _WARSAW, "+4812000", 4, "31-008", 1.4),
    _city("PL", "", "Wrocław", _WARSAW, "+4871000", 4, "50-101", 1.0),
    _city("PL", "", "Poznań", _WARSAW, "+4861000", 4, "61-729", 0.8),
    _city("PL", "", "Gdańsk", _WARSAW, "+4858000", 4, "80-831", 0.8),
    _city("RU", "", "Москва", "Europe/Moscow", "+7495000", 4, "101000", 1.4),
    _city("RU", "", "Санкт-Петербург", "Europe/Moscow", "+7812000", 4, "190000", 1.0),
    _city("RU", "", "Екатеринбург", "Asia/Yekaterinburg", "+7343000", 4, "620014", 0.8),
    _city("RU", "", "Новосибирск", "Asia/Novosibirsk", "+7383000", 4, "630007", 0.8),
    _city("RU", "", "Владивосток", "Asia/Vladivostok", "+7423000", 4, "690091", 0.8),
    _city("NP", "", "Kathmandu", "Asia/Kathmandu", "+9771000", 4, "44600", 2.4),
    _city("AU", "NSW", "Sydney", "Australia/Sydney", "+6125550", 4, "2000", 3.2),
    _city("AU", "VIC", "Melbourne", "Australia/Melbourne", "+6135550", 4, "3000", 2.6),
    _city("AU", "QLD", "Brisbane", "Australia/Brisbane", "+6175550", 4, "4000", 1.6),
    _city("AU", "SA", "Adelaide", "Australia/Adelaide", "+6185550", 4, "5000", 1.2),
    _city("AU", "WA", "Perth", "Australia/Perth", "+6187010", 4, "6000", 1.2),
)
# What leads need that have no address: a toll-free number says nothing about a zone.
TOLL_FREE = Market("US", "", "", "", "en", EN_US, "+180055501", 2, "", 0.0, "NONE")

# Numbers that are set aside for fiction, as a whole: tests hold every number of the demo against it.
FICTIONAL = re.compile(
    r"\+(1\d{3}55501\d{2}"
    r"|44(2079460|1[1-9]\d4960|1914980)\d{3}|44289649[6]\d{3}|442920180\d{3}"
    r"|49(3023125|6990009|4066969|2214710|8999998)\d{3}"
    r"|33(19900|26191|35301|46571|53649)\d{4}"
    r"|46(313900[6]|406280[4]|846500[4])\d{2}"
    r"|4568\d{6}|48\d{2}000\d{4}|7\d{3}000\d{4}|9771000\d{4}"
    r"|61[2378](5550|7010)\d{4})"
)
