"""Where data may go freely: the EEA, the adequate countries, and the codes that countries have.

Rule 1: codes are ISO 3166-1 alpha-2. Rule 2: a code that is not in the EEA is a third country.
"""

from typing import Final


def _codes(*lines: str) -> frozenset[str]:
    return frozenset(code for line in lines for code in line.split())


EU: Final = _codes("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK")
"""Member states of the European Union."""

EEA: Final = EU | _codes("IS LI NO AX GF GP MF MQ RE YT")
"""GDPR territory: the EU, the EFTA states of the EEA Agreement, and the regions that Art. 355(1) TFEU names.

Svalbard (SJ) is not in it (EEA Agreement, Protocol 40).
"""

ADEQUATE: Final = _codes("AD AR BR CA CH FO GB GG IL IM JE JP KR NZ US UY")
"""Countries with a Commission decision under Art. 45 (some, as CA and US, cover only part of the country)."""

COUNTRIES: Final = _codes(
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY",
    "BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK",
    "FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR",
    "IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK",
    "ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM",
    "PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF",
    "TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW",
)
"""Every code that ISO 3166-1 assigns."""


def outside_eea(country: str) -> bool:
    """Whether sending data there is a transfer under Chapter V GDPR; an unknown code counts as outside."""
    return country not in EEA
