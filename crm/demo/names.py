"""What are the people and companies of the demo called, in each language, and what do they do?

All names are made up of common parts; every domain ends in .example, which belongs to nobody (RFC 2606).
"""

import unicodedata
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Locale:
    """Names as one country writes them. `salutations` are (woman, man)."""

    women: tuple[str, ...]
    men: tuple[str, ...]
    surnames: tuple[str, ...]
    salutations: tuple[str, str]
    titles: tuple[str, ...]
    places: tuple[str, ...]
    trades: tuple[tuple[str, str], ...]
    legal: tuple[str, ...]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().split("|"))


def _trades(text: str) -> tuple[tuple[str, str], ...]:
    """(as the company's name says it, the industry in English) pairs."""
    pairs = (line.split("=") for line in _lines(text))
    return tuple((name.strip(), industry.strip()) for name, industry in pairs)


_EN_TITLES = _lines(
    "Head of Purchasing | Operations Manager | Facilities Manager | Managing Director | Finance Director"
    " | Plant Manager | Head of Operations | Office Manager | Energy Manager | Site Manager | Owner"
    " | Maintenance Manager | Chief Financial Officer | Sustainability Lead | Property Manager"
)
_EN_TRADES = _trades(
    "Foods=Food wholesale | Building Supply=Building supplies | Logistics=Logistics | Dental Group=Dental care"
    " | Packaging=Packaging | Hotels=Hospitality | Machine Works=Machinery | Bakery=Bakeries"
    " | Cold Storage=Cold storage | Print Works=Printing | Veterinary Care=Veterinary care"
    " | Garden Centers=Garden retail | Schools=Education | Care Homes=Care homes | Breweries=Brewing"
    " | Auto Parts=Car parts | Pharmacy=Pharmacies | Property=Real estate | Textiles=Textiles | Fitness=Fitness"
)

EN_US = Locale(
    women=_words(
        "Emily Sarah Jessica Ashley Maria Angela Denise Kimberly Tanya Rachel Monica Heather Olivia Brenda"
        " Nicole Latoya Megan Vanessa Carol Diane Aaliyah Grace Hannah Julia Karen Leah Priscilla Renee"
    ),
    men=_words(
        "Michael David Carlos Brian Kevin Marcus Anthony Jason Eric Tyler Raymond Luis Gregory Derek Walter"
        " Nathan Andre Philip Terrence Wesley Adam Calvin Dennis Frank Hector Isaac Joel Kyle"
    ),
    surnames=_words(
        "Anderson Bennett Brooks Caldwell Castillo Coleman Dawson Delgado Ellison Fletcher Foster Garrison"
        " Graves Hammond Hayes Holloway Jennings Kendrick Lambert Lawson Mercer Monroe Ortega Palmer Pruitt"
        " Quinn Ramirez Reyes Sandoval Sawyer Shepherd Sutton Thornton Tucker Vance Walsh Whitaker Yates"
        " Nguyen Kowalski Okafor Petrov Chen Larsen"
    ),
    salutations=("Ms", "Mr"),
    titles=_EN_TITLES,
    places=_lines(
        "Lakeside | Cedar Ridge | Harborview | Pine Hollow | Red Mesa | Copper Creek | Bluewater | Stonebridge"
        " | Maple Grove | Northfield | Silver Prairie | Fox Run | Eagle Bluff | Sandhill | Willow Bend"
        " | Ironwood | Clearbrook | Summit Park | Riverbend | Granite Falls"
    ),
    trades=_EN_TRADES,
    legal=("Inc.", "LLC", "", "& Sons", "Co."),
)
EN_GB = Locale(
    women=_words(
        "Charlotte Imogen Fiona Gemma Harriet Bronwen Moira Nicola Philippa Rosalind Siobhan Tamsin Victoria"
        " Alison Beatrice Claire Eleanor Frances Joanne Louise"
    ),
    men=_words(
        "Alistair Callum Darren Edmund Gareth Hamish Ian Julian Keith Lewis Nigel Oliver Piers Rhys Simon"
        " Stuart Trevor Angus Barnaby Craig"
    ),
    surnames=_words(
        "Ashworth Barrowclough Beaumont Birtwistle Carmichael Cartwright Drummond Eastwood Fairclough Gallagher"
        " Hargreaves Haworth Ingram Kirkpatrick Llewellyn MacLeod Nuttall Ogden Pemberton Penrose Radcliffe"
        " Rowbotham Sedgwick Shuttleworth Tattersall Thackeray Vaughan Wainwright Whitworth Winterbottom"
    ),
    salutations=("Ms", "Mr"),
    titles=_EN_TITLES,
    places=_lines(
        "Ashbourne | Kingsmead | Thornfield | Wharfside | Oakhampton | Moorgate Park | Fernleigh | Castlegate"
        " | Millbrook | Hollins | Greystoke | Ravensworth | Priory Lane | Saltmarsh | Beacon Hill | Wetherdale"
    ),
    trades=_EN_TRADES,
    legal=("Ltd", "plc", "& Co.", "LLP", "Ltd"),
)
EN_AU = Locale(
    women=_words("Kylie Sienna Matilda Bronte Ebony Lauren Narelle Tahlia Jacinta Maree Zara Georgia"),
    men=_words("Lachlan Hamish Cooper Darcy Brody Angus Trent Shane Riley Jarrod Flynn Mitchell"),
    surnames=_words(
        "Abernethy Blackwood Cavanagh Dunstan Fitzgibbon Gallo Halloran Ironside Kearney Lonergan McAlister"
        " Nolan Papadakis Rafferty Sheridan Tran Underhill Vella Whitlock Yarwood"
    ),
    salutations=("Ms", "Mr"),
    titles=_EN_TITLES,
    places=_lines(
        "Banksia | Coolabah Creek | Wattle Grove | Southern Cross | Bondi Road | Jacaranda | Eucalypt Park"
        " | Red Gum | Kookaburra Bay | Bluegum | Coral Coast | Tallow Wood"
    ),
    trades=_EN_TRADES,
    legal=("Pty Ltd", "Pty Ltd", "Group"),
)
EN_IN = Locale(
    women=_words("Priya Ananya Deepika Kavita Meera Neha Pooja Radhika Shreya Sunita Vidya Anjali"),
    men=_words("Arjun Rohan Vikram Sanjay Anil Karthik Manoj Nikhil Rajesh Suresh Varun Harish"),
    surnames=_words(
        "Nair Iyer Sharma Patel Reddy Banerjee Chatterjee Deshpande Gupta Joshi Kulkarni Menon Mukherjee Rao"
        " Srinivasan Verma Bhatt Kapoor Mehta Pillai"
    ),
    salutations=("Ms", "Mr"),
    titles=_EN_TITLES,
    places=EN_GB.places,
    trades=_EN_TRADES,
    legal=EN_GB.legal,
)
NE = Locale(
    women=_words("Sita Anita Bimala Gita Kamala Laxmi Manju Nirmala Puja Rekha Sabina Sunita"),
    men=_words("Bikash Deepak Hari Krishna Madan Nabin Prakash Rajendra Sagar Suman Tenzing Umesh"),
    surnames=_words(
        "Shrestha Gurung Tamang Adhikari Thapa Rai Karki Bhattarai Maharjan Lama Poudel Basnet Magar Khadka Sherpa"
    ),
    salutations=("Ms", "Mr"),
    titles=_EN_TITLES,
    places=_lines(
        "Himal | Annapurna View | Bagmati | Patan | Everest Gate | Machhapuchhre | Sagarmatha | Lalitpur"
    ),
    trades=_EN_TRADES,
    legal=("Pvt. Ltd.", "Pvt. Ltd.", "Traders"),
)
DE = Locale(
    women=_words(
        "Anja Birgit Claudia Dagmar Elke Franziska Gudrun Heike Ines Jutta Katrin Lena Martina Nadine Petra"
        " Sabine Silke Tanja Ulrike Yvonne"
    ),
    men=_words(
        "Andreas Bernd Carsten Dirk Erik Florian Günter Holger Ingo Jens Klaus Lutz Matthias Norbert Olaf Ralf"
        " Stefan Thorsten Uwe Volker"
    ),
    surnames=_words(
        "Albrecht Baumgartner Brückner Dietrich Eberhardt Fiedler Gerlach Hartwig Heinemann Jäger Kessler"
        " Krämer Lindner Lorenz Neubauer Ostermann Pohl Reinhardt Sauer Schröder Steinbach Thiele Vogt Weidner"
        " Wiegand Zimmermann"
    ),
    salutations=("Frau", "Herr"),
    titles=_lines(
        "Leiterin Einkauf/Leiter Einkauf | Geschäftsführerin/Geschäftsführer | Betriebsleiterin/Betriebsleiter"
        " | Leiterin Finanzen/Leiter Finanzen | Technische Leiterin/Technischer Leiter"
        " | Energiebeauftragte/Energiebeauftragter | Prokuristin/Prokurist"
    ),
    places=_lines(
        "Lindenhof | Rheinblick | Hansetor | Sonnenberg | Mühlbach | Adlerhorst | Nordufer | Weinberg"
        " | Alsterpark | Steinfeld | Eichwald | Goldbach"
    ),
    trades=_trades(
        "Lebensmittel=Food wholesale | Baustoffe=Building supplies | Logistik=Logistics | Maschinenbau=Machinery"
        " | Verpackung=Packaging | Hotels=Hospitality | Druck=Printing | Kühlhaus=Cold storage"
        " | Pflegeheime=Care homes | Brauerei=Brewing | Gartencenter=Garden retail | Immobilien=Real estate"
    ),
    legal=("GmbH", "GmbH & Co. KG", "AG", "e.K."),
)
DA = Locale(
    women=_words(
        "Anne Birgitte Camilla Dorthe Emma Freja Gitte Hanne Inger Karen Lone Mette Nanna Pernille Rikke Signe"
        " Trine Ulla Vibeke Maja"
    ),
    men=_words(
        "Anders Bjarne Carsten Esben Flemming Henrik Jakob Kasper Lars Mads Niels Ole Peter Rasmus Søren Thomas"
        " Troels Ulrik Viggo Jeppe"
    ),
    surnames=_words(
        "Andreasen Bech Bertelsen Bjerregaard Clausen Dalgaard Ebbesen Friis Gregersen Holm Iversen Juhl Kjær"
        " Lauridsen Mikkelsen Nygaard Overgaard Poulsen Riis Skov Thygesen Toft Vestergaard Winther Østergaard"
    ),
    salutations=("fru", "hr."),
    titles=_lines(
        "Indkøbschef | Driftschef | Direktør | Økonomichef | Teknisk chef | Fabrikschef | Energiansvarlig"
        " | Kontorleder | Lagerchef | Bæredygtighedschef"
    ),
    places=_lines(
        "Havnens | Fjordens | Bøgelund | Nordhavn | Kirkebakken | Møllehøj | Sundby | Engholm | Strandhøj"
        " | Kornblomsten | Fyrtårnets | Skovbrynet"
    ),
    trades=_trades(
        "Fødevarer=Food wholesale | Byggemarked=Building supplies | Transport=Logistics | Maskinfabrik=Machinery"
        " | Emballage=Packaging | Hoteller=Hospitality | Trykkeri=Printing | Frysehus=Cold storage"
        " | Bageri=Bakeries | Bryghus=Brewing | Planteskole=Garden retail | Ejendomme=Real estate"
    ),
    legal=("A/S", "ApS", "I/S"),
)
SV = Locale(
    women=_words("Annika Birgitta Cecilia Ebba Gunilla Helena Ingrid Karin Linnea Malin Sofia Ulrika"),
    men=_words("Anders Björn Fredrik Göran Håkan Johan Kjell Lennart Magnus Nils Oskar Tobias"),
    surnames=_words(
        "Ahlström Bergqvist Dahlgren Ekman Forsberg Granlund Hedlund Isaksson Lindahl Norberg Sandström Åkerman"
    ),
    salutations=("Fru", "Herr"),
    titles=_lines("Inköpschef | Driftchef | VD | Ekonomichef | Teknisk chef | Fastighetschef"),
    places=_lines("Norrsken | Björkhaga | Öresunds | Granskogs | Havsvik | Älvdals | Solbacka | Kvarnby"),
    trades=_trades(
        "Livsmedel=Food wholesale | Byggvaror=Building supplies | Frakt=Logistics | Mekaniska=Machinery"
        " | Hotell=Hospitality | Tryckeri=Printing | Bryggeri=Brewing | Fastigheter=Real estate"
    ),
    legal=("AB", "AB"),
)
FR = Locale(
    women=_words(
        "Amélie Brigitte Camille Delphine Élodie Florence Isabelle Juliette Laurence Manon Sylvie Zoé"
    ),
    men=_words("Alain Benoît Cédric Didier Étienne Fabrice Gilles Hugo Julien Luc Mathieu Thierry"),
    surnames=_words(
        "Aubert Barbier Chevallier Delacroix Faure Garnier Lambert Lefèvre Marchand Noël Perrin Renaud Roussel Vidal"
    ),
    salutations=("Mme", "M."),
    titles=_lines(
        "Directrice des achats/Directeur des achats | Gérante/Gérant | Responsable énergie"
        " | Directrice financière/Directeur financier | Responsable maintenance"
    ),
    places=_lines(
        "Belle Rive | Les Tilleuls | Grand Large | Val d'Or | Pont Neuf | Clairefontaine | Mont Blanc Sud"
    ),
    trades=_trades(
        "Alimentaire=Food wholesale | Matériaux=Building supplies | Transports=Logistics | Hôtels=Hospitality"
        " | Emballages=Packaging | Imprimerie=Printing | Brasserie=Brewing | Immobilier=Real estate"
    ),
    legal=("SARL", "SAS", "SA"),
)
PL = Locale(
    women=_words(
        "Agnieszka Barbara Danuta Ewa Grażyna Halina Iwona Joanna Katarzyna Lidia Małgorzata Natalia Olga"
        " Renata Sylwia Urszula Wanda Zofia"
    ),
    men=_words(
        "Adam Bartosz Cezary Dariusz Filip Grzegorz Henryk Jacek Krzysztof Łukasz Marek Norbert Paweł Rafał"
        " Sławomir Tomasz Wojciech Zbigniew"
    ),
    surnames=_words(
        "Borowski/Borowska Cieślak Dąbrowski/Dąbrowska Florczak Gajewski/Gajewska Jaworski/Jaworska Kaczmarek"
        " Król Lisowski/Lisowska Majewski/Majewska Nowicki/Nowicka Ostrowski/Ostrowska Pawlak"
        " Rutkowski/Rutkowska Sikora Szczepański/Szczepańska Tomczyk Urban Wieczorek Wrona"
        " Zalewski/Zalewska Żurek"
    ),
    salutations=("Pani", "Pan"),
    titles=_lines(
        "Dyrektorka zakupów/Dyrektor zakupów | Kierowniczka produkcji/Kierownik produkcji"
        " | Prezeska zarządu/Prezes zarządu | Dyrektorka finansowa/Dyrektor finansowy"
        " | Kierowniczka utrzymania ruchu/Kierownik utrzymania ruchu | Właścicielka/Właściciel"
    ),
    places=_lines(
        "Bałtyk | Wisła | Tatry | Mazury | Karpaty | Zielone Wzgórze | Stary Młyn | Jantar | Podlasie"
    ),
    trades=_trades(
        "Hurt Spożywczy=Food wholesale | Materiały Budowlane=Building supplies | Spedycja=Logistics"
        " | Maszyny=Machinery | Opakowania=Packaging | Hotele=Hospitality | Drukarnia=Printing"
        " | Chłodnie=Cold storage | Piekarnia=Bakeries | Browar=Brewing | Nieruchomości=Real estate"
    ),
    legal=("sp. z o.o.", "S.A.", "sp.j."),
)
RU = Locale(
    women=_words(
        "Анна Вера Галина Дарья Екатерина Елена Жанна Ирина Ксения Лариса Марина Наталья Оксана Полина Светлана"
        " Татьяна Юлия"
    ),
    men=_words(
        "Александр Борис Виктор Григорий Дмитрий Евгений Игорь Константин Леонид Максим Николай Олег Павел"
        " Роман Сергей Юрий"
    ),
    surnames=_words(
        "Абрамов/Абрамова Белов/Белова Воронцов/Воронцова Громов/Громова Дорофеев/Дорофеева Ершов/Ершова"
        " Журавлёв/Журавлёва Зимин/Зимина Климов/Климова Лаврентьев/Лаврентьева Мельников/Мельникова"
        " Никитин/Никитина Орлов/Орлова Покровский/Покровская Рябов/Рябова Соболев/Соболева"
        " Трофимов/Трофимова Федоренко Чернышёв/Чернышёва Шевчук"
    ),
    salutations=("", ""),
    titles=_lines(
        "Начальник отдела закупок | Директор по производству | Генеральный директор | Финансовый директор"
        " | Главный энергетик | Главный инженер | Управляющая/Управляющий"
    ),
    places=_lines(
        "Северный | Волга | Балтика | Уральский | Полярная звезда | Приморье | Сибирский | Невский"
    ),
    trades=_trades(
        "Продукты=Food wholesale | Стройматериалы=Building supplies | Логистика=Logistics | Машзавод=Machinery"
        " | Упаковка=Packaging | Отели=Hospitality | Типография=Printing | Хладокомбинат=Cold storage"
        " | Хлебозавод=Bakeries | Пивоварня=Brewing | Недвижимость=Real estate"
    ),
    legal=("ООО", "АО"),
)
# The Russian woman's and man's patronymics that go with a first name in polite address.
PATRONYMICS = (
    _words("Александровна Борисовна Викторовна Дмитриевна Ивановна Николаевна Павловна Сергеевна Юрьевна"),
    _words("Александрович Борисович Викторович Дмитриевич Иванович Николаевич Павлович Сергеевич Юрьевич"),
)

SIZES = ("1–9", "10–49", "50–249", "250–999", "1000+")
OCCUPATIONS = _lines(
    "teacher | nurse | engineer | retired | shop owner | accountant | carpenter | driver | architect"
)
DECIDES = _lines(
    "decides alone | budget holder, with the CFO | recommends, the board decides | decides up to 10,000"
    " | prepares the decision | decides with the plant manager"
)
NEEDS = _lines(
    "lower power bill; no downtime | report for the bank | proof of savings before spending"
    " | one supplier for all sites | cold rooms run day and night | bill doubled since last winter"
    " | compressors leak; nobody knows how much | new hall planned for next year"
)
RESEARCH = _lines(
    "Three sites, the oldest from 1978. | Opened a second warehouse last year. | Advertises for an energy manager."
    " | Annual report names energy as the second largest cost. | Family firm, third generation."
    " | Roof faces south; no panels yet. | Runs two shifts since spring."
)

_LATIN = "a,b,v,g,d,e,e,zh,z,i,y,k,l,m,n,o,p,r,s,t,u,f,kh,ts,ch,sh,sch,,y,,e,yu,ya"
_CYRILLIC = dict(zip("абвгдеёжзийклмнопрстуфхцчшщъыьэюя", str.split(_LATIN, ","), strict=True))
_LETTERS = {
    **_CYRILLIC,
    "ł": "l",
    "ø": "o",
    "æ": "ae",
    "ß": "ss",
    "ä": "ae",
    "ö": "oe",
    "ü": "ue",
    "å": "aa",
    "đ": "d",
}


def ascii_of(text: str) -> str:
    """Lower-case ASCII for addresses: "Łukasz Østergaard" becomes "lukasz-ostergaard"."""
    spelled = "".join(_LETTERS.get(letter, letter) for letter in text.lower())
    plain = unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
    return "-".join("".join(c if c.isalnum() else " " for c in plain).split())


def person(locale: Locale, dice: Random) -> tuple[str, str, str, bool]:
    """(salutation, first name, last name, woman) of somebody."""
    woman = dice.random() < 0.5
    first = dice.choice(locale.women if woman else locale.men)
    if locale is RU and dice.random() < 0.6:
        first = f"{first} {dice.choice(PATRONYMICS[not woman])}"
    return locale.salutations[not woman], first, _form(dice.choice(locale.surnames), second=woman), woman


def title(locale: Locale, dice: Random, *, woman: bool) -> str:
    return _form(dice.choice(locale.titles), second=not woman)


def _form(text: str, *, second: bool) -> str:
    """One of two forms ("Król", "Orlov/Orlova"): surnames give the man's first, titles the woman's."""
    one, slash, other = text.partition("/")
    return other if slash and second else one


def company(locale: Locale, dice: Random, taken: set[str]) -> tuple[str, str]:
    """(name, industry) of a company whose name nobody has yet."""
    for number in range(1, 500):
        trade, industry = dice.choice(locale.trades)
        head = (
            dice.choice(locale.places)
            if dice.random() < 0.6
            else _form(dice.choice(locale.surnames), second=False)
        )
        legal = dice.choice(locale.legal)
        name = f"{legal} «{head} {trade}»" if locale is RU else f"{head} {trade} {legal}".strip()
        if number > 20:
            name = f"{name} {number - 19}"
        if name not in taken:
            break
    taken.add(name)
    return name, industry
