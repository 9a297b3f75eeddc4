"""A list of people saved in an older encoding is read with its own letters."""

import pytest

from crm.intake.encodings import older

NAMES = {
    "da": "Åse Sørensen;Ærø Købmand;Jørgen Ørsted",
    "de": "Jürgen Groß;Käse & Söhne;Über Öl",
    "fr": "François Lefèvre;Hôtel de la Forêt;Zoé Gérard",
    "pl": "Łukasz Żółć;Źdźbło;Małgorzata Śliwińska",
    "cs": "Jiří Dvořák;Žluťoučký kůň;Tomáš Čapek",
    "ru": "Иванов Иван;ООО «Лёд»;Москва",
}


@pytest.mark.parametrize(
    "language, encoding",
    [
        ("da", "cp1252"),
        ("da", "cp850"),
        ("da", "mac_roman"),
        ("de", "cp1252"),
        ("fr", "cp1252"),
        ("pl", "cp1250"),
        ("pl", "iso8859_2"),
        ("cs", "cp1250"),
        ("ru", "cp1251"),
        ("ru", "cp866"),
    ],
)
def test_letters_tell(language, encoding):
    text = NAMES[language].replace("«", "").replace("»", "")
    data = text.encode(encoding)
    assert data.decode(older(data)) == text


@pytest.mark.parametrize("name", ["Иванов Иван;Москва;Лёд", "Петрова Анна;Санкт-Петербург"])
def test_koi8_is_not_mistaken_for_windows(name):
    data = name.encode("koi8_r")
    assert data.decode(older(data)) == name


def test_one_letter_is_enough_and_none_is_western():
    assert "Søren".encode("cp1252").decode(older("Søren".encode("cp1252"))) == "Søren"
    assert older(b"plain") == "cp1252"
    assert older("“quoted” – 5 €".encode("cp1252")) == "cp1252"
