"""The effect of the access lane: attempts are opened in their own transaction, then compared."""

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from hmac import compare_digest

from argon2.low_level import Type, hash_secret_raw

from services.issuer.attempts import Admission, Compared
from services.issuer.open_attempts import OpenAttempts
from shared.config.logs import reason_of
from shared.contract.issuer import PinActivate, PinVerify
from shared.crypto.sealing import StateSeal
from shared.crypto.secret import Secret
from shared.domain.account import Account, Pin
from shared.domain.pin import Pepper, new_half, normalised
from shared.domain.policy import PinPolicy
from shared.ledger import Ledger
from shared.worker.contention import in_parts
from shared.worker.message_box import MessageBoxes
from shared.worker.reading import ReceivedMessage
from shared.worker.unit_of_work import UnitOfWork

_PURPOSE = b"pin-8"
_NOBODY = Pin(
    id="", issued_at=datetime(2000, 1, 1, tzinfo=UTC), initial=False, salt=bytes(16), verifier=bytes(32)
)


class Verifiers:
    """The verifiers of PINs: Argon2id (RFC 9106; 19 MiB, t=2, p=1) over a keyed hash, in threads."""

    def __init__(self, pepper: Pepper, threads: int) -> None:
        self._pepper = pepper
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="argon2")

    @property
    def pepper(self) -> str:
        """The id of the key of the verifiers that this makes."""
        return self._pepper.name

    async def make(self, salt: bytes, pin: Secret, pepper: str | None = None) -> bytes:
        """Return the verifier (32 bytes) of the eight characters, under the current or the named pepper."""
        keyed = self._pepper.keyed(_PURPOSE, salt, pin, pepper)
        return await asyncio.get_running_loop().run_in_executor(self._threads, _argon2id, keyed, salt)

    async def opens(self, pin: Pin, typed: Secret) -> bool:
        """Return whether these are the eight characters of a PIN."""
        made = await self.make(pin.salt, typed, pin.pepper)
        return Secret(pin.verifier.hex()) == Secret(made.hex())

    async def renewed(self, pin: Pin, typed: Secret) -> tuple[bytes, bytes] | None:
        """Return another salt and verifier, if those of the PIN are under an earlier pepper."""
        if not self._pepper.outdated(pin.pepper):
            return None
        salt = os.urandom(16)
        return salt, await self.make(salt, typed)

    def opens_initial(self, pin: Pin, typed: Secret) -> bool:
        """Return whether these are the sixteen characters of an initial PIN."""
        return self._pepper.opens(pin.salt, pin.verifier, typed)

    def seems_part(self, pin: Pin, typed: Secret) -> bool:
        """Return whether these seem to be one half of an initial PIN; of others, one in 512 seems so too."""
        tag = self._pepper.tag(pin.salt, typed, pin.pepper)
        # All are compared, for constant time.
        return sum(compare_digest(tag, part) for part in pin.part_verifiers) > 0

    def close(self) -> None:
        """Shut down the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _argon2id(keyed: bytes, salt: bytes) -> bytes:
    return hash_secret_raw(
        keyed, salt, time_cost=2, memory_cost=19 * 1024, parallelism=1, hash_len=32, type=Type.ID
    )


SEALED_WRONG = Compared(Admission(Account()), sealed_wrong=True)
"""What comes of an attempt that could not be opened."""


def _given_up(received: ReceivedMessage, reason: str) -> list[tuple[ReceivedMessage, Admission]]:
    received.parked = reason
    return []


class PinCheckEffect:
    """Opens the attempts of a batch, then compares those admitted."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it opens and compares with
        self,
        verifiers: Verifiers,
        state: StateSeal,
        boxes: MessageBoxes,
        policy: PinPolicy,
        writer: str,
        oldest_schema: int,
    ) -> None:
        self._verifiers, self._state, self._boxes, self._policy = verifiers, state, boxes, policy
        self._writer, self._oldest_schema = writer, oldest_schema

    async def __call__(self, batch: Sequence[ReceivedMessage], ledger: Ledger) -> None:
        """Set the result of its attempt on each message; messages seen before are skipped."""
        typed: dict[int, Secret] = {}
        attempts = []
        for received in batch:
            if received.handled or not isinstance(received.message, PinActivate | PinVerify):
                continue
            if (inside := self._boxes.of(received).open(received.message.pin_sealed)) is None:
                received.effect = SEALED_WRONG
                continue
            typed[id(received)] = normalised(inside)
            attempts.append(received)
        if attempts:
            parts = await in_parts(attempts, lambda part: self._admit(part, ledger), _given_up)
            await asyncio.gather(
                *(self._judge(t, admission, typed[id(t)]) for part in parts for t, admission in part)
            )

    async def _admit(
        self, batch: Sequence[ReceivedMessage], ledger: Ledger
    ) -> list[tuple[ReceivedMessage, Admission]]:
        """Open every attempt once, even if its message is redelivered."""
        work = UnitOfWork(datetime.now(UTC), self._writer, self._oldest_schema)
        attempts = OpenAttempts(work, self._policy)
        async with ledger.transaction():
            await work.read(list({subject for t in batch for subject in t.subjects}), ledger, self._state)
            await attempts.read(batch, ledger)
            admissions = []
            for received in {received.id: received for received in reversed(batch)}.values():
                if reason := work.unfit(received):
                    received.parked = reason
                elif admission := attempts.admit(received):
                    admissions.append((received, admission))
            await work.write(ledger, self._state)
            await attempts.write(ledger)
        return admissions

    async def _judge(self, received: ReceivedMessage, admission: Admission, typed: Secret) -> None:
        try:
            await self._compare(received, admission, typed)
        except Exception as error:  # noqa: BLE001 - any error parks this attempt only
            received.parked = reason_of(error)

    async def _compare(self, received: ReceivedMessage, admission: Admission, typed: Secret) -> None:
        if admission.locked_for:
            received.effect = Compared(admission)
            return
        if isinstance(received.message, PinActivate):
            received.effect = await self._first_access(admission, typed)
        else:
            received.effect = await self._log_in(admission, typed)

    async def _first_access(self, admission: Admission, typed: Secret) -> Compared:
        pin = _comparable(admission)
        matches = self._verifiers.opens_initial(pin, typed)
        if not (matches and pin.initial):
            return Compared(admission)
        new, salt = new_half(os.urandom), os.urandom(16)
        made = (new, salt, await self._verifiers.make(salt, new))
        return Compared(admission, "yes", pin.id, made, pepper=self._verifiers.pepper)

    async def _log_in(self, admission: Admission, typed: Secret) -> Compared:
        # Argon2id runs in every case, so that the time taken discloses nothing.
        pin = _comparable(admission)
        part = self._verifiers.seems_part(pin, typed) & _may_be_told(admission)
        initial = self._verifiers.opens_initial(pin, typed) | part
        matches = await self._verifiers.opens(pin, typed)
        if pin.initial:
            return Compared(admission, "initial" if initial else "no", pin.id)
        if not matches:
            return Compared(admission, "no", pin.id)
        renewed = await self._verifiers.renewed(pin, typed)
        return Compared(admission, "yes", pin.id, renewed=renewed, pepper=self._verifiers.pepper)

    async def close(self) -> None:
        """Shut down the threads."""
        self._verifiers.close()


def _may_be_told(admission: Admission) -> bool:
    """Return whether half a PIN may be recognised: not once failures have locked it.

    A guess that seems to be a half tells that the citizen has an initial PIN. So few guesses make that one in
    a hundred, and it costs the guesser a lock of which the citizen is notified.
    """
    return admission.account.attempts.locks == 0


def _comparable(admission: Admission) -> Pin:
    """Return the PIN to compare with: a dummy if there is none or it is blocked."""
    account = admission.account
    if account.pin is None or not account.live or not admission.comparable:
        return _NOBODY
    return account.pin
