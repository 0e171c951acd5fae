"""Bounces and other mails as programs of the field write them, with the returned mail of ours in them."""

from uuid import UUID

ID = UUID("0192d3c1-5965-7696-975e-1cb7302addf3")
OTHER = UUID("0192d3c1-5965-7696-975e-1cb7302addf4")
HALF = "7K2MABCD"
TOKEN = "0f" * 20
BOUNCES = "ritorni@bounces.example.it"
MESSAGE_ID = f"<{ID.hex}@example.it>"

HEADERS = f"""\
Return-Path: <ritorni@bounces.example.it>
Received: from worker (unknown [192.0.2.7]) by relay.example.it (Postfix) with ESMTPS id BCC8E21A8C4
To: anna.rossi@example.org
Subject: La prima parte del suo PIN
Date: Sun, 1 Mar 2026 12:30:00 +0000
Message-ID: {MESSAGE_ID}
From: PIN online <pin@example.it>
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="=_part_="
"""
COPY = f"""{HEADERS}
--=_part_=
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Gentile Anna Rossi,

{HALF}

https://portale.example.it/restore/confirm?token=3D{TOKEN}
--=_part_=--
"""


def dsn(
    *recipients: str,
    envid: str = ID.hex,
    to: str = BOUNCES,
    returned: str = f"Content-Type: text/rfc822-headers\n\n{HEADERS}",
    explanation: str = "The mail could not be delivered.",
) -> bytes:
    """Return a notification by RFC 3464.

    Args:
        recipients: the fields about each, after `Final-Recipient`.
        envid: the `Original-Envelope-Id`; empty leaves it out.
        to: to which address it was sent.
        returned: the third part, with its headers.
        explanation: the text for people.
    """
    envelope = f"Original-Envelope-Id: {envid}\n" if envid else ""
    fields = "".join(f"\nFinal-Recipient: rfc822; anna.rossi@example.org\n{said}\n" for said in recipients)
    return f"""\
Return-Path: <>
From: MAILER-DAEMON@relay.example.it (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Date: Mon, 2 Mar 2026 12:30:00 +0100
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"

--=_b
Content-Type: text/plain; charset=utf-8

{explanation}

--=_b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example.it
{envelope}{fields}
--=_b
{returned}
--=_b--
""".encode()


WHOLE = f"Content-Type: message/rfc822\n\n{COPY}"
FAILED = "Action: failed\nStatus: 5.1.1"
DELAYED = "Action: delayed\nStatus: 4.4.1\nWill-Retry-Until: Fri, 6 Mar 2026 12:30:00 +0000"

QMAIL = f"""\
Return-Path: <>
Delivered-To: ritorni@bounces.example.it
Date: 2 Mar 2026 11:30:00 -0000
From: MAILER-DAEMON@mail.example.org
To: ritorni@bounces.example.it
Subject: failure notice

Hi. This is the qmail-send program at mail.example.org.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<anna.rossi@example.org>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

{COPY}"""

EXIM = f"""\
Return-path: <>
Envelope-to: ritorni@bounces.example.it
X-Failed-Recipients: anna.rossi@example.org
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example.org>
To: ritorni@bounces.example.it
References: {MESSAGE_ID}
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1abcD-0001Ab-XY@mx.example.org>
Date: Mon, 02 Mar 2026 12:30:00 +0100

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  anna.rossi@example.org
    host mx.example.org [192.0.2.9]
    SMTP error from remote mail server after RCPT TO:<anna.rossi@example.org>:
    550 5.7.1 Recipient not wanted

------ This is a copy of your message, including all the headers. ------

{COPY}"""

EXCHANGE = f"""\
Return-Path: <>
From: "System Administrator" <postmaster@ad.example.org>
To: ritorni@bounces.example.it
In-Reply-To: {MESSAGE_ID}
Subject: Undeliverable: La prima parte del suo PIN
Date: Mon, 2 Mar 2026 12:30:00 +0100
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="_000_"

--_000_
Content-Type: text/plain; charset="iso-8859-1"

Your message

  To:      anna.rossi@example.org
  Subject: La prima parte del suo PIN
  Sent:    Sun, 1 Mar 2026 12:30:00 +0000

did not reach the following recipient(s):

anna.rossi@example.org on Mon, 2 Mar 2026 12:30:00 +0100
    The recipient name is not recognized
        MSEXCH:IMS:Example:HQ:MAIL 0 (000C05A6) Unknown Recipient

--_000_
Content-Type: message/rfc822

{COPY}
--_000_--
"""

OFFICE_365 = dsn(
    "Action: failed\nStatus: 5.1.10\n"
    "Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found",
    explanation="Delivery has failed to these recipients or groups:\n\nanna.rossi@example.org",
    returned=WHOLE,
).decode()

GMAIL = dsn(
    "Action: failed\nStatus: 5.0.0\n"
    "Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist. gsmtp",
    envid="",
    to=f"ritorni+{ID.hex}@bounces.example.it",
    explanation="** Address not found **\n\nYour message wasn't delivered to anna.rossi@example.org",
    returned=WHOLE,
).decode()

ITALIAN = f"""\
Return-Path: <>
X-Original-To: ritorni+{ID.hex}@bounces.example.it
From: "Mail Delivery System" <MAILER-DAEMON@posta.example.org>
To: <ritorni+{ID.hex}@bounces.example.it>
Subject: Mancato recapito del messaggio
Date: Mon, 2 Mar 2026 12:30:00 +0100
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Gentile utente,

il suo messaggio non può essere recapitato al seguente destinatario, perché la casella non è attiva:

  anna.rossi@example.org: 550 5.2.1 casella disabilitata

---- Messaggio originale ----

{COPY}"""

FULL = f"""\
Return-Path: <>
From: postmaster@posta.example.org
To: ritorni@bounces.example.it
Subject: Casella piena
Date: Mon, 2 Mar 2026 12:30:00 +0100

La casella anna.rossi@example.org ha superato lo spazio disponibile.
Errore: 552 spazio esaurito.

--- messaggio originale ---
{COPY}"""

EXIM_LATE = f"""\
Return-path: <>
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example.org>
To: ritorni@bounces.example.it
Subject: Warning: message delayed 24 hours
Date: Mon, 02 Mar 2026 12:30:00 +0100

This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.org.

The message identifier is:     1abcD-0001Ab-XY
The subject of the message is: La prima parte del suo PIN
Message-ID: {MESSAGE_ID}

The address to which the message has not yet been delivered is:

  anna.rossi@example.org
    Delay reason: 451 4.7.1 try later

No action is required on your part. Delivery attempts will continue for
some time, and this warning may be repeated at intervals if the message
remains undelivered.
"""

VACATION = f"""\
Return-Path: <>
From: Anna Rossi <anna.rossi@example.org>
To: ritorni+{ID.hex}@bounces.example.it
Subject: Re: La prima parte del suo PIN
Auto-Submitted: auto-replied (vacation)
In-Reply-To: {MESSAGE_ID}
Date: Mon, 2 Mar 2026 12:30:00 +0100

Sono in ferie fino al 9 marzo: 550 km da qui. Per urgenze 06 5514 5.1.1.

> {HALF}
"""

OUT_OF_OFFICE = f"""\
Return-Path: <>
From: "Rossi, Anna" <anna.rossi@example.org>
To: pin@example.it
Subject: Risposta automatica: La prima parte del suo PIN
X-Auto-Response-Suppress: All
In-Reply-To: {MESSAGE_ID}
Date: Mon, 2 Mar 2026 12:30:00 +0100

Rientro il 9 marzo. In caso di necessità: 551 422 (interno 5.1.1).
"""

OLD_VACATION = f"""\
From: anna.rossi@example.org
To: pin@example.it
Subject: away from my mail
Precedence: junk
Date: Mon, 2 Mar 2026 12:30:00 +0100

I will read {MESSAGE_ID} when I return.
"""

READ_RECEIPT = f"""\
From: Anna Rossi <anna.rossi@example.org>
To: pin@example.it
Subject: Letto: La prima parte del suo PIN
Date: Mon, 2 Mar 2026 12:30:00 +0100
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary="=_b"

--=_b
Content-Type: text/plain

Letto.
--=_b
Content-Type: message/disposition-notification

Final-Recipient: rfc822; anna.rossi@example.org
Original-Message-ID: {MESSAGE_ID}
Disposition: automatic-action/MDN-sent-automatically; deleted

--=_b
{WHOLE}
--=_b--
"""

COMPLAINT = f"""\
From: feedback@provider.example.org
To: ritorni@bounces.example.it
Subject: complaint
Date: Mon, 2 Mar 2026 12:30:00 +0100
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="=_b"

--=_b
Content-Type: text/plain

This is an abuse report.
--=_b
Content-Type: message/feedback-report

Feedback-Type: abuse
Version: 1

--=_b
{WHOLE}
--=_b--
"""

REPLY = f"""\
From: Anna Rossi <anna.rossi@example.org>
To: PIN online <pin@example.it>
Subject: Re: La prima parte del suo PIN {HALF}
In-Reply-To: {MESSAGE_ID}
Date: Mon, 2 Mar 2026 12:30:00 +0100
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="=_b"

--=_b
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Buongiorno, ho ricevuto solo {HALF[:4]}-{HALF[4:]} (scritto anche {HALF.lower()}): perch=C3=A9?

> {HALF}
> https://portale.example.it/restore/confirm?token=3D{TOKEN}
--=_b
Content-Type: text/html; charset=utf-8

<p>Buongiorno <b>{HALF}</b></p>
--=_b--
"""

CHALLENGE = f"""\
From: "Antispam" <verifica@example.org>
To: ritorni+{ID.hex}@bounces.example.it
Subject: Confermi di essere una persona
Date: Mon, 2 Mar 2026 12:30:00 +0100

Per consegnare il suo messaggio apra https://antispam.example.org/c/123.
"""

STRANGER = """\
From: Mario <mario@example.com>
To: ritorni@bounces.example.it
Subject: domanda
Date: Mon, 2 Mar 2026 12:30:00 +0100

Quando aprite?
"""
