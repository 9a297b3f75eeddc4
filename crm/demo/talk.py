"""What do the demo's reps say? One approved talk track a language, for a firm that sells power meters."""

from datetime import datetime
from typing import Any

from touchpoints.models import TalkTrack

NAME = "Meters for firms and homes"
# language: (opening, pitch of at most 60 words, [(question, tip)], [(objection, answer)], [voicemail])
_TRACKS: dict[str, tuple[str, str, list[tuple[str, str]], list[tuple[str, str]], list[str]]] = {
    "en": (
        "This is Lumenvale. We find out where a building wastes power. Is this a good moment?",
        "We clip small meters onto your fuse board for two weeks and send you a report of what runs at night for"
        " nothing. Most places find a tenth of their bill. May I ask two quick questions, to see whether twenty"
        " minutes with a sample report are worth your time?",
        [
            (
                "What runs in your building when nobody is there?",
                "Advice: note the meter at closing and at opening.",
            ),
            (
                "How did the last power bill compare with the year before?",
                "Advice: compare per unit made, not in all.",
            ),
            ("Who looks at the bill apart from you?", "Advice: bring whoever pays and whoever switches off."),
            ("When is your contract up for renewal?", "Advice: ask for the load curve three months before."),
        ],
        [
            ("We have no time.", "The clips take a quarter of an hour, and nothing is switched off."),
            ("We have done all that.", "Good: then the report is your proof. Shall we look at one together?"),
            ("Send me something.", "Gladly. Which of your sites should the example be like?"),
            ("It costs too much.", "The report comes first; you pay only where you keep the meters."),
        ],
        [
            "Lumenvale here. I have a checklist of what firms like yours leave running at night. I will mail it.",
            "Lumenvale again, about the checklist. Point four saves most places a bill a year. Two minutes will do.",
        ],
    ),
    "da": (
        "Det er Lumenvale. Vi finder ud af, hvor en bygning spilder strøm. Passer det lige nu?",
        "Vi sætter små målere på jeres eltavle i to uger og sender en rapport om det, der kører om natten uden"
        " grund. De fleste finder en tiendedel af regningen. Må jeg stille to korte spørgsmål og se, om tyve"
        " minutter med et eksempel er jeres tid værd?",
        [
            (
                "Hvad kører i bygningen, når ingen er der?",
                "Råd: aflæs måleren ved lukketid og igen om morgenen.",
            ),
            (
                "Hvordan var den sidste elregning i forhold til året før?",
                "Råd: sammenlign pr. produceret enhed.",
            ),
            ("Hvem ser ellers på regningen?", "Råd: tag både den, der betaler, og den, der slukker, med."),
        ],
        [
            ("Vi har ikke tid.", "Det tager et kvarter, og intet bliver slukket."),
            ("Send mig noget.", "Gerne. Hvilken af jeres bygninger skal eksemplet ligne?"),
            ("Det har vi allerede gjort.", "Godt, så er rapporten jeres bevis. Skal vi se på en sammen?"),
        ],
        [
            "Det er Lumenvale. Jeg har en tjekliste på en side over det, der ofte kører om natten. Jeg sender den."
        ],
    ),
    "pl": (
        "Dzień dobry, firma Lumenvale. Sprawdzamy, gdzie budynek marnuje prąd. Czy to dobry moment?",
        "Na dwa tygodnie zakładamy małe mierniki na rozdzielnicę i przesyłamy raport o tym, co nocą działa bez"
        " potrzeby. Większość firm znajduje dziesiątą część rachunku. Czy mogę zadać dwa krótkie pytania, żeby"
        " ocenić, czy warto poświęcić dwadzieścia minut na przykładowy raport?",
        [
            ("Co działa w budynku, kiedy nikogo nie ma?", "Rada: spisać licznik przy zamknięciu i rano."),
            (
                "Jak wypadł ostatni rachunek w porównaniu z rokiem poprzednim?",
                "Rada: liczyć na jednostkę produkcji.",
            ),
            ("Kto jeszcze ogląda rachunek?", "Rada: zaprosić osobę, która płaci, i osobę, która wyłącza."),
        ],
        [
            ("Nie mamy czasu.", "Montaż trwa kwadrans i niczego nie trzeba wyłączać."),
            ("Proszę coś przysłać.", "Chętnie. Do którego obiektu przykład ma być podobny?"),
            ("To już zrobiliśmy.", "Świetnie, raport będzie dowodem. Czy obejrzymy go razem?"),
        ],
        [
            "Tu Lumenvale. Mam jednostronicową listę tego, co firmy zostawiają włączone na noc. Prześlę ją pocztą."
        ],
    ),
    "ru": (
        "Здравствуйте, компания Lumenvale. Мы находим, где здание теряет электричество. Вам удобно говорить?",
        "На две недели мы ставим небольшие счётчики на щит и присылаем отчёт о том, что ночью работает зря."
        " Большинство находит десятую часть счёта. Можно два коротких вопроса, чтобы понять, стоит ли тратить"
        " двадцать минут на пример отчёта?",
        [
            ("Что работает в здании, когда там никого нет?", "Совет: запишите показания вечером и утром."),
            ("Как последний счёт отличается от прошлогоднего?", "Совет: считайте на единицу продукции."),
            ("Кто ещё смотрит на счёт?", "Совет: пригласите того, кто платит, и того, кто выключает."),
        ],
        [
            ("У нас нет времени.", "Установка занимает четверть часа, ничего не отключается."),
            ("Пришлите что-нибудь.", "С удовольствием. На какой из ваших объектов должен быть похож пример?"),
            ("Мы это уже делали.", "Отлично, тогда отчёт станет доказательством. Посмотрим вместе?"),
        ],
        [
            "Это Lumenvale. У меня есть список на одну страницу: что чаще всего работает ночью зря. Я пришлю его."
        ],
    ),
}


# What each question asks after, whatever the language.
_FIELDS = ("runs_at_night", "last_bill", "decides_with", "renewal")
# What the voicemails offer, in the languages that have one or two.
_OFFERS = ("a checklist by mail", "two minutes about point four")


def tracks(*, approved_by: Any, now: datetime) -> list[TalkTrack]:
    return [
        TalkTrack(
            key=f"meters-{language}",
            name=NAME,
            language=language,
            opening=opening,
            pitch=pitch,
            questions=[
                {"field": field, "question": question, "tip": tip, "answers": []}
                for field, (question, tip) in zip(_FIELDS, questions, strict=False)
            ],
            objections=[{"objection": objection, "answer": answer} for objection, answer in objections],
            voicemail=[
                {"text": text, "offer": offer} for text, offer in zip(voicemail, _OFFERS, strict=False)
            ],
            drafted_at=now,
            drafted_by=approved_by,
            approved_at=now,
            approved_by=approved_by,
        )
        for language, (opening, pitch, questions, objections, voicemail) in _TRACKS.items()
    ]


def answers(language: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """Questions of the language's track by name, with what people say to them, in English notes as reps take them."""
    questions = _TRACKS.get(language, _TRACKS["en"])[2]
    said = (
        ("compressors and cold room", "nothing, they think", "lights in the hall, ventilation"),
        ("up a fifth", "about the same", "nearly doubled"),
        ("the plant manager", "nobody", "the owner's daughter"),
    )
    return [
        (field, question, lines)
        for field, (question, _tip), lines in zip(_FIELDS, questions, said, strict=False)
    ]
