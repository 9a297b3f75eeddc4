"""What does a rep say before anybody has written a talk track? One for everybody, in each language of opening lines.

It claims nothing about a firm that it does not know: who calls and that it is a sales call, a few questions with advice
on the answer, and twenty minutes if that is worth them. Identity and purpose come first, as 16 CFR 310.4(d), 47 CFR
64.1200(d)(4), regulation 24 of the British PECR and article 8(5) of Directive 2011/83/EU ask. Names stay unbent.
"""

from __future__ import annotations

from collections.abc import Mapping

from leads.law import ANYWHERE

from .talk import Disclosure, Objection, Question, Script, Tip, Voicemail

NAME = "Default"
KEY = "default"
# Behind every track that somebody wrote for everybody.
POSITION = 100

_EN = Script(
    opening="Have I caught you at a good moment?",
    intro="I am calling to find out whether we can be of use to you[ at {company}], before anybody spends time on it.",
    pitch="Two short questions show whether we could be of use to you. You get a piece of advice on each answer, and it"
    " is yours whatever comes of this call. If it looks promising, I suggest twenty minutes with an example from your"
    " own field. If not, it has cost you two minutes. Is that fair?",
    questions=(
        Question(
            "priority",
            "What would you most like to be better by the end of the year?",
            "Advice: one figure that shows it is better, written down today.",
            (
                Tip("cost", "Advice: measure a month before you change anything, or nobody sees the saving."),
                Tip(
                    "time",
                    "Advice: for one week, note where the hours go; the largest is seldom the one named.",
                ),
                Tip("quality", "Advice: look at the last ten complaints first; half of them have one cause."),
            ),
        ),
        Question(
            "decides_with",
            "Who else would want a say in it?",
            "Advice: ask them for the one question they want answered before you see an offer.",
            (
                Tip("nobody", "Advice: show it to whoever has to live with it; that saves a second round."),
                Tip("a superior", "Advice: one page with the cost of leaving it as it is."),
            ),
        ),
        Question(
            "renewal",
            "When does what you have now come up for renewal?",
            "Advice: note the last day of notice, not the end; it often lies three months before.",
        ),
    ),
    objections=(
        Objection("I have no time.", "Then when suits you better? I call at that very minute."),
        Objection("Send me something.", "Gladly. What should be in it, so that it is of use to you?"),
        Objection(
            "We have somebody for that.", "Good. What would have to change for a second look to be worth it?"
        ),
        Objection(
            "It is too expensive.", "Compared with what? Let us first see what leaving it as it is costs you."
        ),
        Objection(
            "I am not interested.",
            "Understood. Shall we leave you alone for good, or was it only the moment?",
        ),
    ),
    voicemails=(
        Voicemail(
            "{sender} from {firm}, a sales call. I have one question and a piece of advice on the answer, whichever it"
            " is. I will try again another day.",
            "advice on one question",
        ),
        Voicemail(
            "{sender} from {firm} again. Tell me a day and an hour that suit you, and I call then: two minutes, no"
            " more.",
            "a time of their choice",
        ),
        Voicemail(
            "{sender} from {firm}. If twenty minutes with an example from your own field are of use, call back or say"
            " so by mail. If not, tell me, and I stop.",
            "an example from their field",
        ),
    ),
    disclosures=(
        Disclosure(ANYWHERE, "My name is {sender}, I am calling for {firm}, and this is a sales call."),
    ),
)
_DA = Script(
    opening="Har jeg fanget dig på et godt tidspunkt?",
    intro="Jeg ringer for at finde ud af, om vi kan være til nytte for dig[ og {company}], før nogen"
    " bruger tid på det.",
    pitch="To korte spørgsmål viser, om det er værd at tale videre. Du får et råd til hvert svar, og det er dit, uanset"
    " hvad der kommer ud af samtalen. Ser det lovende ud, foreslår jeg tyve minutter med et eksempel fra din egen"
    " branche. Hvis ikke, har det kostet dig to minutter. Lyder det rimeligt?",
    questions=(
        Question(
            "priority",
            "Hvad vil du helst have gjort bedre inden årets udgang?",
            "Råd: skriv i dag ét tal ned, som viser, at det er blevet bedre.",
            (
                Tip("omkostninger", "Råd: mål en måned, før I ændrer noget, ellers ser ingen besparelsen."),
                Tip(
                    "tid",
                    "Råd: notér i en uge, hvor timerne bliver af; den største post er sjældent den, man nævner.",
                ),
                Tip("kvalitet", "Råd: se på de sidste ti klager først; halvdelen har én årsag."),
            ),
        ),
        Question(
            "decides_with",
            "Hvem vil ellers have noget at sige?",
            "Råd: spørg dem om det ene spørgsmål, de vil have svar på, før I ser et tilbud.",
            (
                Tip("ingen", "Råd: vis det til dem, der skal leve med det; så slipper I for en runde til."),
                Tip("chefen", "Råd: én side med, hvad det koster at lade stå til."),
            ),
        ),
        Question(
            "renewal",
            "Hvornår skal det, I har i dag, fornyes?",
            "Råd: notér sidste dag for opsigelse, ikke udløbet; den ligger ofte tre måneder før.",
        ),
    ),
    objections=(
        Objection("Jeg har ikke tid.", "Hvornår passer det bedre? Jeg ringer på minuttet."),
        Objection("Send mig noget.", "Gerne. Hvad skal der stå, for at du kan bruge det?"),
        Objection(
            "Vi har allerede nogen til det.", "Godt. Hvad skulle ændre sig, før det var værd at se på igen?"
        ),
        Objection(
            "Det er for dyrt.", "Sammenlignet med hvad? Lad os først se, hvad det koster at lade stå til."
        ),
        Objection(
            "Jeg er ikke interesseret.",
            "Det er i orden. Skal vi lade dig være for altid, eller var det kun nu?",
        ),
    ),
    voicemails=(
        Voicemail(
            "{sender} fra {firm}, en salgssamtale. Jeg har ét spørgsmål og et råd til svaret, uanset hvad det er. Jeg"
            " prøver igen en anden dag.",
            "et råd til ét spørgsmål",
        ),
        Voicemail(
            "{sender} fra {firm} igen. Sig en dag og et klokkeslæt, der passer, så ringer jeg der: to minutter, ikke"
            " mere.",
            "et tidspunkt efter eget valg",
        ),
        Voicemail(
            "{sender} fra {firm}. Hvis tyve minutter med et eksempel fra din branche er noget, så ring eller skriv."
            " Hvis ikke, så sig til, og jeg holder op.",
            "et eksempel fra deres branche",
        ),
    ),
    disclosures=(
        Disclosure(ANYWHERE, "Mit navn er {sender}, jeg ringer for {firm}, og det er en salgssamtale."),
    ),
)
_PL = Script(
    opening="Czy to dobry moment na dwie minuty rozmowy?",
    intro="Dzwonię, żeby sprawdzić, czy możemy się Państwu na coś przydać[ w firmie {company}], zanim"
    " ktokolwiek poświęci"
    " na to czas.",
    pitch="Dwa krótkie pytania pokażą, czy warto rozmawiać dalej. Do każdej odpowiedzi dołożę jedną radę i"
    " zostaje ona u"
    " Państwa bez względu na wynik rozmowy. Jeśli zabrzmi to obiecująco, proponuję dwadzieścia minut z przykładem z"
    " Państwa branży. Jeśli nie, kosztowało to dwie minuty. Czy to uczciwa propozycja?",
    questions=(
        Question(
            "priority",
            "Co najbardziej chcieliby Państwo poprawić do końca roku?",
            "Rada: już dziś zapisać jedną liczbę, która pokaże poprawę.",
            (
                Tip(
                    "koszty",
                    "Rada: przed zmianą mierzyć przez miesiąc, inaczej nikt nie zobaczy oszczędności.",
                ),
                Tip(
                    "czas",
                    "Rada: przez tydzień notować, na co idą godziny; największa pozycja rzadko jest tą nazwaną.",
                ),
                Tip("jakość", "Rada: zacząć od ostatnich dziesięciu skarg; połowa ma jedną przyczynę."),
            ),
        ),
        Question(
            "decides_with",
            "Kto jeszcze chciałby mieć w tym głos?",
            "Rada: zapytać o jedno pytanie, na które chcą odpowiedzi przed ofertą.",
            (
                Tip("nikt", "Rada: pokazać osobie, która będzie z tym pracować; to oszczędza drugą rundę."),
                Tip(
                    "przełożony",
                    "Rada: jedna strona o tym, ile kosztuje pozostawienie wszystkiego bez zmian.",
                ),
            ),
        ),
        Question(
            "renewal",
            "Kiedy kończy się obecna umowa?",
            "Rada: zapisać ostatni dzień wypowiedzenia, nie koniec umowy; często to trzy miesiące wcześniej.",
        ),
    ),
    objections=(
        Objection("Nie mam czasu.", "Kiedy będzie wygodniej? Zadzwonię co do minuty."),
        Objection("Proszę coś przysłać.", "Chętnie. Co ma się tam znaleźć, żeby się przydało?"),
        Objection(
            "Mamy już kogoś.", "Dobrze. Co musiałoby się zmienić, żeby warto było spojrzeć jeszcze raz?"
        ),
        Objection("To za drogo.", "W porównaniu z czym? Zobaczmy najpierw, ile kosztuje obecny stan."),
        Objection(
            "Nie jestem zainteresowany.", "Rozumiem. Mamy już nigdy nie dzwonić, czy to tylko zły moment?"
        ),
    ),
    voicemails=(
        Voicemail(
            "{sender}, firma {firm}, rozmowa handlowa. Mam jedno pytanie i radę do odpowiedzi, jakakolwiek będzie."
            " Spróbuję innego dnia.",
            "rada do jednego pytania",
        ),
        Voicemail(
            "Jeszcze raz {sender}, firma {firm}. Proszę podać dzień i godzinę, a wtedy zadzwonię: dwie minuty, nie"
            " więcej.",
            "termin do wyboru",
        ),
        Voicemail(
            "{sender}, firma {firm}. Jeśli przyda się dwadzieścia minut z przykładem z Państwa branży, proszę oddzwonić"
            " albo napisać. Jeśli nie, proszę powiedzieć, a przestanę.",
            "przykład z ich branży",
        ),
    ),
    disclosures=(
        Disclosure(ANYWHERE, "Nazywam się {sender}, dzwonię w imieniu firmy {firm}, to rozmowa handlowa."),
    ),
)
_RU = Script(
    opening="Вам удобно поговорить две минуты?",
    intro="Я звоню, чтобы понять, можем ли мы быть вам полезны[ в компании {company}], прежде чем кто-то"
    " потратит на это"
    " время.",
    pitch="Два коротких вопроса покажут, стоит ли говорить дальше. К каждому ответу я дам один совет, и он останется у"
    " вас, чем бы ни закончился разговор. Если покажется интересным, предложу двадцать минут с"
    " примером из вашей отрасли."
    " Если нет, это стоило вам двух минут. Справедливо?",
    questions=(
        Question(
            "priority",
            "Что вы больше всего хотели бы улучшить до конца года?",
            "Совет: запишите сегодня одно число, по которому будет видно улучшение.",
            (
                Tip("расходы", "Совет: месяц измеряйте, прежде чем менять, иначе экономии никто не увидит."),
                Tip(
                    "время",
                    "Совет: неделю записывайте, куда уходят часы; самое большое редко то, что называют.",
                ),
                Tip("качество", "Совет: начните с десяти последних жалоб; у половины одна причина."),
            ),
        ),
        Question(
            "decides_with",
            "Кто ещё захочет участвовать в решении?",
            "Совет: узнайте, на какой вопрос им нужен ответ до предложения.",
            (
                Tip("никто", "Совет: покажите тому, кому с этим работать; это избавит от второго круга."),
                Tip("руководитель", "Совет: одна страница о том, сколько стоит оставить всё как есть."),
            ),
        ),
        Question(
            "renewal",
            "Когда заканчивается нынешний договор?",
            "Совет: запишите последний день для отказа, а не конец договора; часто это на три месяца раньше.",
        ),
    ),
    objections=(
        Objection("У меня нет времени.", "Когда вам удобнее? Позвоню минута в минуту."),
        Objection("Пришлите что-нибудь.", "С удовольствием. Что там должно быть, чтобы это пригодилось?"),
        Objection(
            "У нас уже есть поставщик.", "Хорошо. Что должно измениться, чтобы стоило взглянуть ещё раз?"
        ),
        Objection(
            "Это слишком дорого.",
            "По сравнению с чем? Посмотрим сначала, сколько стоит оставить всё как есть.",
        ),
        Objection("Мне неинтересно.", "Понимаю. Больше никогда не звонить или просто не вовремя?"),
    ),
    voicemails=(
        Voicemail(
            "{sender}, компания {firm}, коммерческий звонок. У меня один вопрос и совет к любому"
            " ответу. Позвоню в другой"
            " день.",
            "совет к одному вопросу",
        ),
        Voicemail(
            "Снова {sender}, компания {firm}. Назовите день и час, и я позвоню тогда: две минуты, не больше.",
            "время на выбор",
        ),
        Voicemail(
            "{sender}, компания {firm}. Если вам полезны двадцать минут с примером из вашей отрасли, перезвоните или"
            " напишите. Если нет, скажите, и звонков больше не будет.",
            "пример из их отрасли",
        ),
    ),
    disclosures=(
        Disclosure(
            ANYWHERE, "Меня зовут {sender}, я звоню от имени компании {firm}, это коммерческий звонок."
        ),
    ),
)
SCRIPTS: Mapping[str, Script] = {"en": _EN, "da": _DA, "pl": _PL, "ru": _RU}
