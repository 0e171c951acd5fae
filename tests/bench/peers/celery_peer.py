# mypy: ignore-errors
# ruff: noqa: PLW0603
"""The job with Celery, psycopg, httpx and smtplib."""

import smtplib
from email.message import EmailMessage

import httpx
import psycopg
from celery import Celery
from celery.signals import worker_process_init
from job import AMQP, DSN, SMS, SMTP_HOST, SMTP_PORT, PinRequest, new_pin, write_letter

app = Celery("peer", broker=AMQP)
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=50,
    broker_transport_options={"confirm_publish": True},
    task_default_queue="peer.celery",
    task_default_queue_type="quorum",
    worker_detect_quorum_queues=True,
)


@worker_process_init.connect
def connect(**_: object) -> None:
    global db, http, smtp
    db = psycopg.connect(DSN, autocommit=True)
    http = httpx.Client()
    smtp = smtplib.SMTP(SMTP_HOST, int(SMTP_PORT))


@app.task
def issue(body: dict) -> None:
    m = PinRequest(**body)
    first, second, verifier = new_pin()
    with db.transaction():
        row = db.execute(
            "insert into pin(request_id,codice_fiscale,data,verifier) values(%s,%s,%s,%s)"
            " on conflict do nothing returning id",
            (m.request_id, m.codice_fiscale, m.model_dump_json(), verifier),
        ).fetchone()
        if row is None:
            return
        ids = [
            db.execute(
                "insert into delivery(pin_id,channel) values(%s,%s) returning id", (row[0], c)
            ).fetchone()[0]
            for c in ("sms", "email", "post")
        ]
    sms.delay(ids[0], m.mobile, first)
    email.delay(ids[1], m.email, first)
    post.delay(ids[2], m.name, second)


def sent(i: int) -> None:
    db.execute("update delivery set status='sent', at=now() where id=%s", (i,))


@app.task
def sms(i: int, to: str, half: str) -> None:
    http.post(SMS, json={"to": to, "text": f"PIN {half}", "client_ref": str(i)}).raise_for_status()
    sent(i)


@app.task
def email(i: int, to: str, half: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "noreply@example.it", to, "PIN"
    mail.set_content(f"Prima parte del PIN: {half}")
    smtp.send_message(mail)
    sent(i)


@app.task
def post(i: int, name: str, half: str) -> None:
    write_letter(i, name, half)
    sent(i)
