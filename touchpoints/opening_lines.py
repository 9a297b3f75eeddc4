"""Which opening line does each kind of evidence come with, per language and tone, before anybody edits one?

`{fact}` is a fact of the touchpoint, `[...]` is said only where every fact in it is held, `[a|b]` says the
first that can be said (see icebreaker.py). Names stand in the nominative, in quotes or brackets where a
language would bend them. The informal line is given only where it differs.
"""

from dataclasses import dataclass

FORMAL, INFORMAL = "formal", "informal"


@dataclass(frozen=True)
class DefaultIcebreaker:
    """An opening line for one kind of evidence, in one language and tone."""

    kind: str
    language: str
    tone: str
    template: str


_EN = {
    "referral": "[{referred_by} gave us|We were given] your name {when}.",
    "meeting_held": "[My colleague {colleague} had a meeting with you|We had a meeting] {when}.",
    "inbound_call": "You called us {when}.",
    "conversation": "[My colleague {colleague} spoke with you|We spoke] {when}.",
    "event": "[My colleague {colleague} met you|We met] {when}[ at {campaign}].",
    "email_reply": "Thank you for your reply {when}[ to our mail about {campaign}].",
    "text_reply": "Thank you for your text message {when}.",
    "direct_mail_response": "You answered our mailing {when}[, {campaign}].",
    "past_customer": "You have been a customer of ours before.",
    "web_form": "You asked us {when} to get in touch with you[, about {campaign}].",
    "callback_request": "You asked {when} for a call.",
    "webinar": "You took part in our webinar {when}[, {campaign}].",
    "content_download": "You downloaded [{campaign}|something of ours] {when}.",
    "social_follow": "I saw that you started following us[ on {network}] {when}.",
    "direct_mail": "We sent you something by post {when}[, {campaign}].",
    "social_engagement": "I saw your reaction to us[ on {network}] {when}.",
    "event_registered": "You registered {when} for [{campaign}|an event of ours].",
    "website_visit": "You had a look at our website {when}.",
    "email_sent": "We wrote you a mail {when}[ about {campaign}].",
    "text_sent": "We sent you a text message {when}.",
    "social_message": "We wrote to you[ on {network}] {when}.",
    "voicemail_left": "We left you a voicemail {when}.",
    "visit": "[My colleague {colleague}|Somebody from our company] came by {when} and met nobody.",
}
_DA = {
    "referral": "[{referred_by} gav os dit navn|Vi fik dit navn] {when}.",
    "meeting_held": "[Min kollega {colleague} holdt møde med dig|Vi holdt møde] {when}.",
    "inbound_call": "Du ringede til os {when}.",
    "conversation": "[Min kollega {colleague} talte med dig|Vi talte sammen] {when}.",
    "event": "[Min kollega {colleague} mødte dig|Vi mødtes] {when}[ på {campaign}].",
    "email_reply": "Tak for dit svar {when}[ på vores mail om {campaign}].",
    "text_reply": "Tak for din sms {when}.",
    "direct_mail_response": "Du svarede på vores brev {when}[, {campaign}].",
    "past_customer": "Du har været kunde hos os før.",
    "web_form": "Du bad os {when} om at kontakte dig[ om {campaign}].",
    "callback_request": "Du bad {when} om at blive ringet op.",
    "webinar": "Du var med til vores webinar {when}[, {campaign}].",
    "content_download": "Du hentede [{campaign}|noget materiale hos os] {when}.",
    "social_follow": "Jeg så, at du begyndte at følge os[ på {network}] {when}.",
    "direct_mail": "Vi sendte dig noget med posten {when}[, {campaign}].",
    "social_engagement": "Jeg så din reaktion på os[ på {network}] {when}.",
    "event_registered": "Du tilmeldte dig {when} til [{campaign}|et af vores arrangementer].",
    "website_visit": "Du kiggede forbi vores hjemmeside {when}.",
    "email_sent": "Vi skrev en mail til dig {when}[ om {campaign}].",
    "text_sent": "Vi sendte dig en sms {when}.",
    "social_message": "Vi skrev til dig[ på {network}] {when}.",
    "voicemail_left": "Vi lagde en besked på din telefonsvarer {when}.",
    "visit": "[Min kollega {colleague}|En fra vores firma] kom forbi {when} og traf ingen.",
}
_PL = {
    "referral": "Kontakt do Państwa otrzymaliśmy {when} z polecenia[ (poleca: {referred_by})].",
    "meeting_held": "Spotkanie z Państwem odbyło się {when}[ (z naszej strony: {colleague})].",
    "inbound_call": "Dzwonili Państwo do nas {when}.",
    "conversation": "Nasza rozmowa z Państwem odbyła się {when}[ (z naszej strony: {colleague})].",
    "event": "Poznaliśmy Państwa {when}[ na wydarzeniu „{campaign}”][ (z naszej strony: {colleague})].",
    "email_reply": "Dziękujemy za odpowiedź, którą dostaliśmy {when}[, w sprawie „{campaign}”].",
    "text_reply": "Dziękujemy za SMS, który dostaliśmy {when}.",
    "direct_mail_response": "Odpowiedzieli Państwo {when} na naszą przesyłkę[ „{campaign}”].",
    "past_customer": "Byli już Państwo naszym klientem.",
    "web_form": "Poprosili nas Państwo {when} o kontakt[ w sprawie „{campaign}”].",
    "callback_request": "Poprosili Państwo {when} o telefon.",
    "webinar": "Wzięli Państwo udział w naszym webinarze[ „{campaign}”] {when}.",
    "content_download": "Pobrali Państwo {when} nasze materiały[ „{campaign}”].",
    "social_follow": "Widzę, że {when} zaczęli nas Państwo obserwować[ w serwisie {network}].",
    "direct_mail": "Wysłaliśmy do Państwa przesyłkę[ „{campaign}”] {when}.",
    "social_engagement": "Widzę Państwa reakcję na nasz wpis[ w serwisie {network}] {when}.",
    "event_registered": "Zapisali się Państwo {when} na [wydarzenie „{campaign}”|nasze wydarzenie].",
    "website_visit": "Zajrzeli Państwo {when} na naszą stronę.",
    "email_sent": "Napisaliśmy do Państwa maila {when}[ w sprawie „{campaign}”].",
    "text_sent": "Wysłaliśmy do Państwa SMS {when}.",
    "social_message": "Napisaliśmy do Państwa {when}[ w serwisie {network}].",
    "voicemail_left": "Zostawiliśmy Państwu wiadomość głosową {when}.",
    "visit": "Byliśmy u Państwa {when}[ (z naszej strony: {colleague})], ale nikogo nie zastaliśmy.",
}
_PL_INFORMAL = {
    "referral": "Kontakt do Ciebie otrzymaliśmy {when} z polecenia[ (poleca: {referred_by})].",
    "meeting_held": "Spotkanie z Tobą odbyło się {when}[ (z naszej strony: {colleague})].",
    "inbound_call": "Mieliśmy od Ciebie telefon {when}.",
    "conversation": "Nasza rozmowa z Tobą odbyła się {when}[ (z naszej strony: {colleague})].",
    "event": "Spotkaliśmy się z Tobą {when}[ na wydarzeniu „{campaign}”][ (z naszej strony: {colleague})].",
    "direct_mail_response": "Mamy Twoją odpowiedź na naszą przesyłkę[ „{campaign}”], dostaliśmy ją {when}.",
    "past_customer": "Znamy się już ze wcześniejszych zakupów u nas.",
    "web_form": "Mamy Twoją prośbę o kontakt[ w sprawie „{campaign}”], przyszła {when}.",
    "callback_request": "Mamy Twoją prośbę o telefon, przyszła {when}.",
    "webinar": "Mamy Cię na liście uczestników naszego webinaru[ „{campaign}”] ({when}).",
    "content_download": "Nasze materiały[ „{campaign}”] są u Ciebie: pobrane {when}.",
    "social_follow": "Widzę, że {when} mamy w Tobie nową osobę obserwującą[ w serwisie {network}].",
    "direct_mail": "Wysłaliśmy do Ciebie przesyłkę[ „{campaign}”] {when}.",
    "social_engagement": "Widzę Twoją reakcję na nasz wpis[ w serwisie {network}] {when}.",
    "event_registered": "Mamy Twoje zgłoszenie na [wydarzenie „{campaign}”|nasze wydarzenie]: {when}.",
    "website_visit": "Widzę Twoją wizytę na naszej stronie {when}.",
    "email_sent": "Napisaliśmy do Ciebie maila {when}[ w sprawie „{campaign}”].",
    "text_sent": "Wysłaliśmy do Ciebie SMS {when}.",
    "social_message": "Napisaliśmy do Ciebie {when}[ w serwisie {network}].",
    "voicemail_left": "Zostawiliśmy Ci wiadomość głosową {when}.",
    "visit": "Byliśmy u Ciebie {when}[ (z naszej strony: {colleague})], ale bez powodzenia.",
}
_RU = {
    "referral": "Вас нам порекомендовали {when}[ (рекомендует {referred_by})].",
    "meeting_held": "У нас с вами была встреча {when}[ (с нашей стороны: {colleague})].",
    "inbound_call": "Вы звонили нам {when}.",
    "conversation": "У нас с вами был разговор {when}[ (с нашей стороны: {colleague})].",
    "event": "Мы встречались с вами {when}[ на встрече «{campaign}»][ (с нашей стороны: {colleague})].",
    "email_reply": "Спасибо за ваш ответ, мы получили его {when}[, по теме «{campaign}»].",
    "text_reply": "Спасибо за ваше сообщение, мы получили его {when}.",
    "direct_mail_response": "Вы ответили на наше письмо[ «{campaign}»] {when}.",
    "past_customer": "Вы уже были нашим клиентом.",
    "web_form": "Вы {when} просили с вами связаться[ по теме «{campaign}»].",
    "callback_request": "Вы {when} просили вам перезвонить.",
    "webinar": "Вы участвовали в нашем вебинаре[ «{campaign}»] {when}.",
    "content_download": "Вы {when} скачали наши материалы[ «{campaign}»].",
    "social_follow": "Мы увидели, что вы подписались на нас {when}[ в {network}].",
    "direct_mail": "Мы отправили вам письмо[ «{campaign}»] {when}.",
    "social_engagement": "Мы увидели вашу реакцию {when}[ в {network}].",
    "event_registered": "Вы {when} зарегистрировались на [мероприятие «{campaign}»|наше мероприятие].",
    "website_visit": "Вы заходили на наш сайт {when}.",
    "email_sent": "Мы писали вам по электронной почте {when}[ по теме «{campaign}»].",
    "text_sent": "Мы отправили вам сообщение {when}.",
    "social_message": "Мы писали вам {when}[ в {network}].",
    "voicemail_left": "Мы оставили вам голосовое сообщение {when}.",
    "visit": "Мы заезжали к вам {when}[ (с нашей стороны: {colleague})], но никого не застали.",
}

DEFAULT_ICEBREAKERS: tuple[DefaultIcebreaker, ...] = tuple(
    DefaultIcebreaker(kind, language, tone, informal.get(kind, text) if tone == INFORMAL else text)
    for language, formal, informal in (
        ("en", _EN, {}),
        ("da", _DA, {}),
        ("pl", _PL, _PL_INFORMAL),
        ("ru", _RU, {}),
    )
    for kind, text in formal.items()
    for tone in (FORMAL, INFORMAL)
)
