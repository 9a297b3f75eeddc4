"""By which words do exports and spreadsheets name their columns? English, Danish, German, Polish, Russian."""

from __future__ import annotations

# Each as the words of the header in small letters, signs left out and counts with them ("e mail", not "E-Mail 1").
_NAMES = {
    "full_name": """
        name, full name, contact name, contact, person, lead name, display name, customer name, file as
        navn, fulde navn, kontaktperson, kontakt navn, kontaktnavn
        vollständiger name, ansprechpartner, ansprechpartnerin, kontakt, kontaktname
        imię i nazwisko, nazwisko i imię, osoba kontaktowa, osoba
        фио, ф и о, полное имя, контактное лицо, контакт
        nom complet, nombre completo""",
    "salutation": """
        salutation, prefix, name prefix, honorific, titel anrede
        tiltale, anrede, zwrot grzecznościowy, zwrot, обращение""",
    "title": "title, titel, tytuł",
    "first_name": """
        first name, given name, forename, firstname, givenname, fname, first, middle name, additional name
        fornavn, mellemnavn, vorname, zweiter vorname, imię, drugie imię, имя, отчество, prénom, nombre""",
    "last_name": """
        last name, family name, surname, lastname, familyname, lname, last, name suffix, suffix
        efternavn, nachname, familienname, nazwisko, фамилия, nom de famille, apellidos, apellido""",
    "company": """
        company, company name, account, account name, organization, organisation, organization name
        organisation name, employer, business name, business, firm, associated company, primary associated company
        firma, firmanavn, virksomhed, virksomhedsnavn, arbejdsgiver, unternehmen, firmenname, arbeitgeber
        nazwa firmy, przedsiębiorstwo, spółka, pracodawca, компания, организация, фирма, предприятие
        название компании, место работы, entreprise, société, empresa""",
    "job_title": """
        job title, jobtitle, position, role, job, function, organization title, organisation title, job position
        stilling, stillingsbetegnelse, jobtitel, funktion, rolle, berufsbezeichnung, tätigkeit
        stanowisko, funkcja, должность, позиция, poste, cargo""",
    "email": """
        email, e mail, email address, e mail address, mail, mail address, primary email, work email, business email
        emailaddress, personal email, home email, other email, additional email addresses, email addresses
        mailadresse, e mailadresse, e mail adresse, email adresse, e post, epost, arbejdsmail
        adres e mail, adres email, poczta, poczta elektroniczna
        эл почта, электронная почта, почта, эл адрес, емейл, имейл, e mail адрес, адрес электронной почты
        courriel, correo electrónico""",
    "phone": """
        phone, phone number, telephone, telephone number, tel, tel no, tel nr, tel number, phone no, number to call
        mobile, mobile phone, mobile number, mobile phone number, mobile no, cell, cell phone, cellphone, cell number
        cellular, work phone, work phone number, work tel, business phone, office phone, office, direct phone, direct
        direct line, direct dial, home phone, home phone number, home tel, other phone, primary phone, company phone
        company main phone, main phone, switchboard, hq phone, corporate phone, assistant s phone, asst phone
        landline, contact number, phones, phone numbers, whatsapp, whatsapp phone number, car phone, radio phone
        telefon, telefonnummer, telefon nr, telefonnr, tlf, tlf nr, tlfnr, mobil, mobiltelefon, mobilnummer, mobilnr
        mobil nr, fastnet, fastnettelefon, direkte telefon, direkte nummer, arbejdstelefon, hovednummer
        handy, handynummer, rufnummer, festnetz, durchwahl, telefon geschäftlich, telefon privat, telefon mobil
        telefon komórkowy, komórka, tel kom, tel komórkowy, telefon stacjonarny, telefon służbowy, numer telefonu
        nr telefonu, nr tel
        телефон, тел, номер телефона, мобильный, мобильный телефон, моб тел, моб телефон, сотовый, сотовый телефон
        рабочий телефон, телефон рабочий, домашний телефон, городской телефон, телефон мобильный
        téléphone, portable, teléfono, móvil""",
    "country": """
        country, country region, country name, country code, nation, mailing country, billing country
        land, landekode, staat land, kraj, страна, pays, país""",
    "region": """
        region, state, state region, state province, province, state code, county, mailing state
        mailing state province, billing state, billing state province, territory
        landsdel, bundesland, kanton, województwo, регион, область, край, provincia""",
    "city": """
        city, town, suburb, locality, city town, mailing city, billing city
        by, bynavn, ort, stadt, wohnort, miasto, miejscowość, город, населённый пункт, населенный пункт, ville
        ciudad""",
    "postcode": """
        postcode, post code, postal code, postalcode, zip, zip code, zipcode, zip postal code, postal zip
        mailing postal code, mailing zip postal code, mailing zip, billing postal code, billing zip postal code
        postnr, postnummer, plz, postleitzahl, kod pocztowy, kod, индекс, почтовый индекс, code postal
        código postal""",
    "address": """
        address, street, street address, street number, address line, address line one, house number
        mailing street, billing street, mailing address, postal address, address street
        adresse, gade, vej, gadenavn, vejnavn, husnummer, husnr, straße, strasse, hausnummer, anschrift
        adres, ulica, numer domu, nr domu, адрес, улица, дом, rue, calle, dirección""",
    "external_id": """
        record id, rec id, external id, externalid, contact id, lead id, customer id, customer number, member id
        person id, crm id, hubspot id, hub spot id, salesforce id, contact number id
        kundenummer, kundenr, kundennummer, id kontaktu, id klienta, numer klienta""",
    "industry": """
        industry, sector, line of business, branche, brancheområde, wirtschaftszweig, branża, sektor, отрасль
        сфера деятельности""",
    "company_size": """
        company size, employees, number of employees, no of employees, headcount, employee count, size
        antal ansatte, medarbejdere, mitarbeiterzahl, anzahl mitarbeiter, liczba pracowników
        число сотрудников, количество сотрудников, размер компании""",
    "occupation": "occupation, profession, erhverv, beruf, zawód, профессия, род занятий",
    "value": """
        value, deal value, expected value, amount, potential, deal amount, opportunity amount, annual value
        værdi, forventet værdi, wert, erwarteter wert, wartość, сумма, бюджет""",
    "language": "language, preferred language, locale, sprog, sprache, język, язык",
    "time_zone": "time zone, timezone, tz, tidszone, zeitzone, strefa czasowa, часовой пояс",
    "audience": "audience, customer type, business or consumer",
    "decision_role": "buying role, decision role, part in the decision",
    "needs": "needs, interest, interests, behov, interesse, bedarf, potrzeby, потребности",
    "cares_about": "values, priorities, what they value",
    "buying_power": """
        ability to buy, buying power, budget, income, annual income, household income, net worth, credit rating
        indkomst, einkommen, dochód, доход""",
    "links": "links, profiles, social profiles, other links",
    "research": """
        notes, note, comment, comments, description, remarks, about, memo, background
        noter, note til kontakt, bemærkning, bemærkninger, kommentar, beskrivelse, notizen, notiz, bemerkung
        bemerkungen, beschreibung, notatki, uwagi, komentarz, opis, примечание, примечания, комментарий
        комментарии, заметки, описание""",
    "website": """
        website, website url, web site, web page, webpage, url, homepage, company website, company domain name
        domain, linkedin, linkedin url, linkedin profile, person linkedin url, profile url, website value
        hjemmeside, webseite, internetseite, strona www, strona internetowa, www, сайт, веб сайт""",
}

WORDS = {
    " ".join(name.split()): target
    for target, names in _NAMES.items()
    for line in names.splitlines()
    for name in line.split(",")
    if name.strip()
}
# Google numbers its organisations and addresses and names the parts behind.
WORDS |= {
    "organization department": "",
    "address formatted": "",
    "address street": "address",
    "address city": "city",
    "address region": "region",
    "address postal code": "postcode",
    "address country": "country",
    "org name": "company",
}
WORDS = {name: target for name, target in WORDS.items() if target}

# Columns that look like something of ours and are not, or that nobody should keep.
NOT_IMPORTED = frozenset(
    {
        *(
            "fax",
            "fax number",
            "business fax",
            "home fax",
            "other fax",
            "work fax",
            "telefax",
            "telefaks",
            "faks",
        ),
        *("факс", "pager", "isdn", "telex", "tty tdd phone", "callback"),
        *("date of birth", "birthday", "birth date", "dob", "fødselsdag", "geburtstag", "geburtsdatum"),
        *("data urodzenia", "дата рождения", "soc sec id", "ssn", "social security number", "cpr", "cpr nr"),
        *("cpr nummer", "pesel", "инн", "national id", "passport"),
        *("email type", "email label", "e mail type", "e mail label", "e mail display name", "phone type"),
        *(
            "phone label",
            "address type",
            "address label",
            "address formatted",
            "website type",
            "website label",
        ),
        *("organization department", "department", "address po box", "address extended address", "labels"),
        *("group membership", "photo", "email opt out", "email domain", "phonetic first name"),
        *("phonetic middle name", "phonetic last name", "nickname", "initials", "do not call"),
    }
)

# Words before a part of an address or a number that tell one from another.
GROUPS = frozenset(
    [
        "business",
        "work",
        "home",
        "other",
        "mailing",
        "billing",
        "shipping",
        "office",
        "private",
        "company",
        "primary",
        "contact",
        "person",
        "lead",
        "arbejds",
        "privat",
        "firma",
        "geschäftlich",
        "dienstlich",
    ]
)

# What a number is labelled where its column says it.
LABELS = {
    **dict.fromkeys(
        [
            "mobile",
            "cell",
            "cellphone",
            "cellular",
            "mobil",
            "mobiltelefon",
            "mobilnummer",
            "mobilnr",
            "handy",
            "handynummer",
            "komórka",
            "komórkowy",
            "kom",
            "мобильный",
            "моб",
            "сотовый",
            "portable",
            "móvil",
        ],
        "mobile",
    ),
    **dict.fromkeys(
        [
            "work",
            "business",
            "office",
            "direct",
            "arbejdstelefon",
            "geschäftlich",
            "durchwahl",
            "służbowy",
            "рабочий",
            "direkte",
        ],
        "work",
    ),
    **dict.fromkeys(["home", "privat", "private", "домашний"], "home"),
    **dict.fromkeys(
        ["switchboard", "main", "hq", "corporate", "company", "hovednummer", "городской", "stacjonarny"],
        "main",
    ),
    **dict.fromkeys(["assistant", "asst"], "assistant"),
    "other": "other",
    "whatsapp": "WhatsApp",
}
