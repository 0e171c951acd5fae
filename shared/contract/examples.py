"""A good example of every message: for the published document, and for tests."""

from collections.abc import Mapping
from typing import Any

_Example = Mapping[str, Any]

_PERSON = {"codice_fiscale": "RSSMRA85T10A562S"}
_BOX = "9oyF/qE+8oIaVHhoM+TnU3XTMu05GVK3duvzOdwrbxxDUEPL309IRr/H3+AlYsxkuATXmNBfwVNMbNNvBf98kw=="
_KEY = "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo="
_REQUEST = {"request_id": "0d1f9a52-6f0e-4b7e-9a53-6f0f3b8f2c11"}
_DELIVERY = {"delivery_id": "5b8f6a0e-3c52-4c8e-8d5e-0f7a1c2b3d4e"}
_OPERATOR = {"operator": {"id": "op-0042", "office": "Contact Center"}}
_BRANCH = {"operator": {"id": "op-0107", "office": "Sede di Pisa"}}
_SEEN = {"seen": "5d1f0e3a9c4b7d6288e1f0a3c5b7d9e2"}
_CARD = {"health_card": {"number": "80380000900012345678", "expires_on": "2029-06-30"}}
_DOCUMENT = {
    "document": {
        "kind": "identity_card",
        "number": "CA12345AA",
        "issued_by": "Comune di San Giuliano Terme",
        "issued_on": "2021-03-15",
        "expires_on": "2031-12-10",
    }
}
_ABOUT_PERSON = {
    "surname": "Rossi",
    "name": "Mario",
    "birth_date": "1985-12-10",
    "sex": "M",
    "birth_province": "PI",
    "birth_place": "San Giuliano Terme",
    "residence": {
        "country": "IT",
        "street": "Via Giuseppe Mazzini",
        "number": "12/A",
        "municipality": "San Giuliano Terme",
        "province": "PI",
        "postal_code": "56017",
    },
    "contacts": {"mobile": "+393331234567", "email": "mario.rossi@example.com"},
}


def _file(name: str) -> dict[str, str]:
    return {
        "uri": f"https://portal.example/documents/{name}",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "media_type": "application/pdf",
    }


COMMAND_EXAMPLES: Mapping[str, _Example] = {
    "pin.request": {
        **_PERSON,
        **_ABOUT_PERSON,
        "preferred_phone": "mobile",
        "preferred_time": "morning",
        "language": "it",
    },
    "contacts.update": {**_PERSON, "contacts": {"pec": "mario.rossi@pec.example.com"}},
    "registry.update": {**_PERSON, **_CARD},
    "citizen.erase": {**_PERSON, **_OPERATOR, "reason": "Asked for in writing, file 2026/118."},
    "pin.activate": {**_PERSON, "pin_sealed": _BOX, "reply_key": _KEY},
    "pin.verify": {**_PERSON, "pin_sealed": _BOX},
    "restore.request": {
        **_PERSON,
        "contacts": {"mobile": "+393331234567", "email": "mario.rossi@example.com"},
    },
    "restore.confirm": {**_PERSON, "token_sealed": _BOX},
    "revoke.request": {**_PERSON, **_CARD, "email": "mario.rossi@example.com"},
    "revoke.confirm": {**_PERSON, "token_sealed": _BOX},
    "revoke.by_contact_centre": {**_PERSON, **_OPERATOR, "reason": "Lost, and no health card."},
    "dispositivo.request": {**_PERSON, "submission": "online"},
    "dispositivo.submit_documents": {
        **_PERSON,
        **_REQUEST,
        "via": "online",
        "signed_form": _file("form.pdf"),
        **_DOCUMENT,
        "document_scan": _file("document.pdf"),
    },
    "dispositivo.review_queue": {**_OPERATOR, "limit": 20},
    "dispositivo.approve": {**_PERSON, **_REQUEST, **_OPERATOR},
    "dispositivo.cancel": {
        **_PERSON,
        **_REQUEST,
        **_OPERATOR,
        "reason": "illegible",
        "note": "The second page cannot be read.",
    },
    "branch.lookup": {**_PERSON, **_BRANCH},
    "branch.activate": {**_PERSON, **_BRANCH, **_DOCUMENT},
    "istanza.submit": {**_PERSON, "istanza_id": "2026-000123", "service": "Maternity allowance"},
    "delivery.receipt": {**_DELIVERY, "status": "delivered", "provider": "sms-gateway", "detail": "DELIVRD"},
    "delivery.timeline": {
        "operator": {"id": "op-9", "office": "Service desk"},
        "correlation": "0192f6a0-0000-7000-8000-000000000009",
    },
}
"""The body of one good command of each published type."""

REPLY_EXAMPLES: Mapping[str, _Example] = {
    "pin.activate": {"pin_sealed": _BOX, "level": "online"},
    "pin.verify": {"level": "online"},
    "delivery.timeline": {
        "steps": [
            {"at": "2026-11-22T10:00:00Z", "what": "pin.issued", "by": "portal"},
            {
                "at": "2026-11-22T10:00:02Z",
                "what": "delivery.sent",
                "by": "issuer",
                "channel": "sms",
                "attempt": 1,
            },
        ]
    },
    "dispositivo.request": {
        **_REQUEST,
        "form": {
            "media_type": "application/pdf",
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "content": "JVBERi0xLjcK",
        },
    },
    "dispositivo.review_queue": {
        "requests": [
            {
                **_REQUEST,
                **_PERSON,
                "surname": "Rossi",
                "name": "Mario",
                "birth_date": "1985-12-10",
                "via": "online",
                "received_at": "2026-11-22T09:30:00Z",
                "signed_form": _file("form.pdf"),
                **_DOCUMENT,
                "document_scan": _file("document.pdf"),
                "document_expired": False,
                **_SEEN,
            }
        ]
    },
    "dispositivo.approve": {"effective_at": "2026-11-23T09:30:00Z", **_SEEN},
    "branch.lookup": {**_ABOUT_PERSON, **_DOCUMENT, **_SEEN},
    "istanza.submit": {
        "protocol": "2026.0000000123",
        "status": "suspended",
        "notice": "The istanza is suspended until the PIN is dispositivo.",
    },
}
"""The `data` of one accepting reply to each command whose reply carries any."""

_SENT = {**_DELIVERY, "channel": "sms", "attempt": 1}
_ISTANZA = {"istanza_id": "2026-000123", "protocol": "2026.0000000123"}

EVENT_EXAMPLES: Mapping[str, _Example] = {
    "pin.issued": {"level": "online", "expires_at": "2027-01-21T23:00:00Z"},
    "pin.request_rejected": {"code": "invalid"},
    "pin.locked": {"until": "2026-11-22T09:45:00Z"},
    "pin.revoked": {"cause": "citizen"},
    "dispositivo.approved": {"effective_at": "2026-11-23T09:30:00Z"},
    "dispositivo.cancelled": {"reason": "illegible"},
    "dispositivo.activated": {"channel": "online"},
    "istanza.protocolled": {**_ISTANZA, "status": "suspended"},
    "istanza.released": _ISTANZA,
    "operator.looked_often": {
        "operator": "op-0042",
        "office": "Contact Center",
        "user": "operator",
        "lookups": 201,
        "hour": "2026-11-22T09:00:00Z",
    },
    "portal.over_budget": {
        "user": "portal",
        "lane": "issuer-requests",
        "commands": 50001,
        "hour": "2026-11-22T09:00:00Z",
    },
    "delivery.sent": _SENT,
    "delivery.delivered": {**_SENT, "evidence": "gateway_receipt"},
    "delivery.failed": {**_SENT, "evidence": "gateway_receipt"},
    "delivery.returned": {**_SENT, "channel": "post", "evidence": "gateway_receipt"},
    "delivery.unsuitable": {**_SENT, "channel": "pec", "evidence": "pec_accettazione"},
}
"""The `data` of one event of each type that carries any."""
