"""The regions of Italy, by province."""

from typing import Final

_PROVINCES: Final = {
    "PIEMONTE": "AL AT BI CN NO TO VB VC",
    "VALLE-D-AOSTA": "AO",
    "LOMBARDIA": "BG BS CO CR LC LO MB MI MN PV SO VA",
    "TRENTINO-ALTO-ADIGE": "BZ TN",
    "VENETO": "BL PD RO TV VE VI VR",
    "FRIULI-VENEZIA-GIULIA": "GO PN TS UD",
    "LIGURIA": "GE IM SP SV",
    "EMILIA-ROMAGNA": "BO FC FE MO PC PR RA RE RN",
    "TOSCANA": "AR FI GR LI LU MS PI PO PT SI",
    "UMBRIA": "PG TR",
    "MARCHE": "AN AP FM MC PU",
    "LAZIO": "FR LT RI RM VT",
    "ABRUZZO": "AQ CH PE TE",
    "MOLISE": "CB IS",
    "CAMPANIA": "AV BN CE NA SA",
    "PUGLIA": "BA BR BT FG LE TA",
    "BASILICATA": "MT PZ",
    "CALABRIA": "CS CZ KR RC VV",
    "SICILIA": "AG CL CT EN ME PA RG SR TP",
    "SARDEGNA": "CA CI NU OG OR OT SS SU VS",
}
REGION_OF: Final = {
    province: region for region, provinces in _PROVINCES.items() for province in provinces.split()
}
"""The region of each present province, and of those that Sardinia had from 2005 to 2016 and has again."""
ABROAD: Final = "EE"
"""What stands for the region of an address abroad, and of one that names no province."""
REGIONS: Final = (*_PROVINCES, ABROAD)
"""All regions, and abroad."""
