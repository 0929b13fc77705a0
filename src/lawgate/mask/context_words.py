"""Words and JSON member names that say what a number near them is.

Rule 1: a word is here because it names the identifier itself; "call" and "number" are not here.
Rule 2: words count whole, whatever their case; entries with a space, and those of scripts without
        spaces, count wherever they stand.
"""

from types import MappingProxyType
from typing import Final

PHONE_WORDS: Final = MappingProxyType(
    {
        "en": (
            *"phone phones telephone tel mobile cell cellphone landline fax whatsapp sms dial hotline".split(),
            "voicemail",
            "call me",
            "call us",
            "reach me",
            "reach us",
            "text me",
            "phone number",
        ),
        "de": (
            *"telefon telefonnummer tel mobil mobilnummer mobiltelefon handy handynummer rufnummer fax".split(),
            "telefonisch",
            "festnetz",
            "durchwahl",
            "ruf mich",
            "rufen sie",
        ),
        "fr": (
            *"téléphone téléphones telephone tél tel portable gsm fax télécopie".split(),
            "appelez",
            "joindre au",
            "joignable",
        ),
        "es": tuple("teléfono telefono teléfonos tel tlf tfno móvil celular fax llámame llame".split()),
        "it": (*"telefono tel cellulare cell fax recapito chiamami".split(), "chiamare il"),
        "pt": tuple("telefone telefones tel telemóvel telemovel celular fax ligue".split()),
        "nl": (*"telefoon telefoonnummer tel mobiel gsm fax".split(), "bel mij", "bel me"),
        "pl": tuple("telefon telefonu tel komórka komórkowy kom faks".split()),
        "sv": tuple("telefon telefonnummer tel mobil mobilnummer fax".split()),
        "da": tuple("telefon telefonnummer tlf mobil mobilnummer".split()),
        "fi": tuple("puhelin puhelinnumero puh matkapuhelin gsm".split()),
        "cs": tuple("telefon telefonní tel mobil mobilní".split()),
        "ro": tuple("telefon telefonul tel mobil".split()),
        "hu": tuple("telefon telefonszám tel mobil".split()),
        "tr": tuple("telefon telefonu tel cep gsm".split()),
        "el": tuple("τηλέφωνο τηλ κινητό φαξ".split()),
        "ru": tuple("телефон телефона тел мобильный факс".split()),
        "uk": tuple("телефон тел мобільний факс".split()),
        "bg": tuple("телефон тел мобилен факс".split()),
        "zh": ("电话", "電話", "手机", "手機", "传真"),
        "ja": ("電話", "携帯", "ファックス"),
        "ko": ("전화", "휴대폰", "핸드폰"),
        "ar": ("هاتف", "جوال"),
    }
)

PHONE_KEYS: Final = frozenset(
    """
    phone phones phonenumber phonenumbers phoneno telephone telephonenumber tel telno telefon telefonnummer
    telefono telefone téléphone teléfono telefoon mobile mobileno mobilenumber mobilephone mobil mobilnummer
    handy handynummer cell cellphone cellnumber cellular celular móvil movil cellulare telemóvel gsm msisdn
    fax faxnumber landline homephone workphone businessphone officephone contactphone contactnumber
    customerphone userphone phonehome phonework phonemobile whatsapp whatsappnumber smsnumber tonumber
    fromnumber callerid rufnummer phonee
    """.split()
)

CARD_WORDS: Final = MappingProxyType(
    {
        "en": (*"card cards creditcard visa mastercard amex maestro".split(), "credit card", "debit card"),
        "de": ("karte", "kreditkarte", "kartennummer", "kreditkartennummer", "girokarte"),
        "fr": ("carte", "cb"),
        "es": ("tarjeta",),
        "it": ("carta",),
        "pt": ("cartão", "cartao"),
        "nl": ("kaart", "creditcard", "kaartnummer"),
        "pl": ("karta", "karty"),
        "sv": ("kort", "kortnummer", "kreditkort"),
        "zh": ("卡号", "信用卡"),
        "ja": ("カード",),
    }
)

CARD_KEYS: Final = frozenset(
    "card cardnumber cardno creditcard creditcardnumber debitcard pan primaryaccountnumber ccnumber cc kartennummer"
    " kreditkarte".split()
)

SSN_WORDS: Final = MappingProxyType(
    {
        "en": ("ssn", "ssns", "social security", "social sec", "itin"),
        "es": ("seguro social", "nss"),
        "de": ("us-sozialversicherung",),
    }
)

SSN_KEYS: Final = frozenset(
    "ssn ssnnumber ussn usssn socialsecurity socialsecuritynumber socialsecurityno socsec taxid tin itin"
    " socialsecuritynum ssnlast".split()
)
