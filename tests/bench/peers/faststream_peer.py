# mypy: ignore-errors
# ruff: noqa: PLW0603
"""The job with FastStream, asyncpg, httpx and aiosmtplib."""

import asyncio
from email.message import EmailMessage

import aiosmtplib
import asyncpg
import httpx
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, QueueType, RabbitBroker, RabbitQueue
from job import AMQP, DSN, SMS, SMTP_HOST, SMTP_PORT, Delivery, PinRequest, new_pin, write_letter

broker = RabbitBroker(AMQP, default_channel=Channel(prefetch_count=100))
app = FastStream(broker)


def queue(name: str) -> RabbitQueue:
    return RabbitQueue(f"peer.{name}", durable=True, queue_type=QueueType.QUORUM)


@app.on_startup
async def connect() -> None:
    global pool, http, smtp
    pool = await asyncpg.create_pool(DSN, min_size=10, max_size=10)
    http = httpx.AsyncClient()
    smtp = aiosmtplib.SMTP(hostname=SMTP_HOST, port=int(SMTP_PORT))
    await smtp.connect()


@broker.subscriber(queue("request"), ack_policy=AckPolicy.NACK_ON_ERROR)
async def issue(m: PinRequest) -> None:
    first, second, verifier = new_pin()
    async with pool.acquire() as db, db.transaction():
        pin = await db.fetchval(
            "insert into pin(request_id,codice_fiscale,data,verifier) values($1,$2,$3,$4)"
            " on conflict do nothing returning id",
            m.request_id,
            m.codice_fiscale,
            m.model_dump_json(),
            verifier,
        )
        if pin is None:
            return
        ids = [
            await db.fetchval("insert into delivery(pin_id,channel) values($1,$2) returning id", pin, c)
            for c in ("sms", "email", "post")
        ]
    contents = (("sms", m.mobile, first), ("email", m.email, first), ("post", m.street, second))
    for i, (channel, to, half) in zip(ids, contents, strict=True):
        await broker.publish(
            Delivery(id=i, channel=channel, to=to, half=half, name=m.name), queue(channel), persist=True
        )


async def sent(i: int) -> None:
    await pool.execute("update delivery set status='sent', at=now() where id=$1", i)


@broker.subscriber(queue("sms"), ack_policy=AckPolicy.NACK_ON_ERROR)
async def sms(d: Delivery) -> None:
    body = {"to": d.to, "text": f"PIN {d.half}", "client_ref": str(d.id)}
    (await http.post(SMS, json=body)).raise_for_status()
    await sent(d.id)


@broker.subscriber(queue("email"), ack_policy=AckPolicy.NACK_ON_ERROR)
async def email(d: Delivery) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "noreply@example.it", d.to, "PIN"
    mail.set_content(f"Prima parte del PIN: {d.half}")
    await smtp.send_message(mail)
    await sent(d.id)


@broker.subscriber(queue("post"), ack_policy=AckPolicy.NACK_ON_ERROR)
async def post(d: Delivery) -> None:
    await asyncio.to_thread(write_letter, d.id, d.name, d.half)
    await sent(d.id)
