# ruff: noqa: FBT001 - whether or not something happens is drawn, by name
"""Lives drawn by hypothesis: sequences of steps, in any order that the world allows."""

from typing import Any

from hypothesis import event
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.life import issue_and_activate, restore_and_revoke, upgrade
from tests.life.citizen import Citizen
from tests.life.expected import Request
from tests.life.invariants import the_ledger_says_what_is_expected
from tests.life.sample_data import CARDS
from tests.life.world import World

NEVER_DRAWN = "ZZZZ ZZZZ", "zzzz-zzzz-zzzz-zzzz", "", "PIN"
PHONES = st.sampled_from([("mobile",), ("home_phone",), ("mobile", "home_phone")])
MAILBOXES = st.sampled_from([("email",), ("pec",), ("email", "pec"), ("one for both",), ("one for both",)])
STARTS = st.sampled_from(["active", "issued", "nobody", "restoring", "asked", "asked", "approved"])
RECOGNITIONS = st.sampled_from([*[None] * 6, "de_visu", "signed_request"])
TYPED = st.sampled_from(["right", "right", "right", "right", "wrong", "half", "earlier", "other"])
TOKENS = st.sampled_from(["right", "right", "right", "wrong", "earlier", "the other flow's"])
OPENED = st.sampled_from(["open", "open", "open", "earlier", "nobody's"])
KINDS = st.sampled_from(["home_phone", "mobile", "email", "pec"])
PAIRS = st.sampled_from(
    [(), (), (), (), (), ("mobile", "email"), ("mobile", "pec"), ("email", "pec"), ("mobile", "email", "pec")]
)
"""The contacts that a citizen names; none stands for two that are registered."""
TIMES = st.sampled_from([1, 1, 1, 2])
MOSTLY = st.sampled_from([True, True, False])
SELDOM = st.sampled_from([False, False, False, True])
TURN = st.integers(0, 7)


class Life(RuleBasedStateMachine):
    """The life of one citizen's PIN, in a world."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.citizen = Citizen(world)

    @initialize(phones=PHONES, mailboxes=MAILBOXES, start=STARTS, card=st.booleans())
    def begins(self, phones: tuple[str, ...], mailboxes: tuple[str, ...], start: str, card: bool) -> None:
        """R1-R29: most lives begin in a later state, so that fewer steps reach more."""
        if card:
            restore_and_revoke.registry_tells(self.citizen, CARDS[0])
        if start == "nobody":
            return
        self.ask_for_a_pin(phones, mailboxes, None, used=start != "issued")
        match start:
            case "restoring":
                self.ask_to_restore((), None, at_once=True)
            case "asked":
                self.ask_for_the_profile("fax", 0)
            case "approved":
                self.ask_for_the_profile("online", 2)

    @rule(phones=PHONES, mailboxes=MAILBOXES, recognition=RECOGNITIONS, used=MOSTLY)
    def ask_for_a_pin(
        self, phones: tuple[str, ...], mailboxes: tuple[str, ...], recognition: str | None, used: bool
    ) -> None:
        """R1-R8, R10."""
        kinds = [*phones, *mailboxes]
        contacts = {kind: self.citizen.address(kind) for kind in kinds if kind != "one for both"}
        if "one for both" in kinds:
            contacts |= dict.fromkeys(("email", "pec"), self.citizen.address("email"))
        issue_and_activate.ask(self.citizen, contacts, recognition)
        if used and self.citizen.expected.initial:
            self.first_access("right", 0, 1)

    @precondition(lambda self: any(self.citizen.expected.carriers))
    @rule(half=st.sampled_from([0, 0, 0, 1]), copy=TURN)
    def a_half_does_not_arrive(self, half: int, copy: int) -> None:
        """R5, R6."""
        issue_and_activate.does_not_arrive(self.citizen, half, copy)

    @rule(typed=TYPED, turn=TURN, times=TIMES)
    def first_access(self, typed: str, turn: int, times: int) -> None:
        """R10, R16."""
        issue_and_activate.first_access(self.citizen, self._typed(typed, turn), times)

    @rule(typed=TYPED, turn=TURN, times=TIMES)
    def log_in(self, typed: str, turn: int, times: int) -> None:
        """R11."""
        issue_and_activate.log_in(self.citizen, self._typed(typed, turn), times)

    @rule(typed=TYPED, turn=TURN, attempts=st.integers(1, 4))
    def somebody_guesses(self, typed: str, turn: int, attempts: int) -> None:
        """R11: failures in a row lock, many of them block."""
        for _ in range(attempts):
            issue_and_activate.log_in(self.citizen, NEVER_DRAWN[turn % len(NEVER_DRAWN)] or "0")
        issue_and_activate.log_in(self.citizen, self._typed(typed, turn))

    def _typed(self, what: str, turn: int) -> str:
        expected = self.citizen.expected
        spent = sorted(expected.spent)
        match what, expected.pin:
            case "right", str(pin):
                return pin if turn % 2 else f" {pin[:4].lower()}-{pin[4:]}"
            case "half", str(pin) if expected.initial:
                return pin[:8] if turn % 2 else pin[8:]
            case "other", str(pin) if expected.initial:
                return pin[8:] + pin[:8]
            case "earlier", _ if spent:
                return spent[turn % len(spent)]
            case _:
                return NEVER_DRAWN[turn % len(NEVER_DRAWN)] or "0"

    @rule(kind=KINDS, variant=st.integers(0, 1), shared=st.booleans())
    def change_a_contact(self, kind: str, variant: int, shared: bool) -> None:
        """R12."""
        same = "email" if kind == "pec" and shared else kind
        restore_and_revoke.change_contact(self.citizen, kind, self.citizen.address(same, variant))

    @rule(card=st.sampled_from(CARDS))
    def the_registry_tells(self, card: dict[str, Any]) -> None:
        """R19."""
        restore_and_revoke.registry_tells(self.citizen, card)

    @rule(really=SELDOM, by_mistake=MOSTLY, number=TURN)
    def the_registry_tells_of_a_death(self, really: bool, by_mistake: bool, number: int) -> None:
        """Last rules: rare, mostly by mistake, or every life would be short; nobody is notified meanwhile."""
        if not really:
            return
        restore_and_revoke.registry_tells_of_death(self.citizen)
        before = {copy.id for copy in self.citizen.world.copies()}
        self.ask_for_a_pin(("mobile",), ("email",), None, used=True)
        self.ask_to_restore((), None, at_once=False)
        self.send_an_istanza(number)
        assert {copy.id for copy in self.citizen.world.copies()} == before
        if by_mistake:
            restore_and_revoke.registry_takes_back(self.citizen)

    @rule(
        kinds=PAIRS,
        mistaken=st.sampled_from([*[None] * 9, "mobile", "email", "pec"]),
        at_once=MOSTLY,
        newest=SELDOM,
    )
    def ask_to_restore(
        self, kinds: tuple[str, ...], mistaken: str | None, *, at_once: bool, newest: bool = False
    ) -> None:
        """R13-R15, R17."""
        kinds = kinds or restore_and_revoke.two_contacts(self.citizen) or ("email", "pec")
        restore_and_revoke.ask_to_restore(self.citizen, kinds, mistaken, newest=newest)
        if at_once:
            restore_and_revoke.confirm_restore(self.citizen, self._token("restore", "right", 0))

    @precondition(lambda self: self.citizen.expected.links_sent)
    @rule(token=TOKENS, turn=TURN)
    def confirm_the_restore(self, token: str, turn: int) -> None:
        """R15, R16."""
        restore_and_revoke.confirm_restore(self.citizen, self._token("restore", token, turn))

    @rule(
        right=MOSTLY, kind=st.sampled_from(["email", "pec"]), variant=st.sampled_from([0, 5]), at_once=MOSTLY
    )
    def ask_to_revoke(self, kind: Any, variant: int, right: bool, at_once: bool) -> None:  # noqa: ANN401 - drawn
        """R18-R20."""
        known = self.citizen.expected.card or CARDS[0]
        card = known if right else CARDS[known == CARDS[0]]
        restore_and_revoke.ask_to_revoke(self.citizen, card, kind, self.citizen.address(kind, variant))
        if at_once:
            restore_and_revoke.confirm_revocation(self.citizen, self._token("revocation", "right", 0))

    @precondition(lambda self: self.citizen.expected.links_sent)
    @rule(token=TOKENS, turn=TURN)
    def confirm_the_revocation(self, token: str, turn: int) -> None:
        """R20."""
        restore_and_revoke.confirm_revocation(self.citizen, self._token("revocation", token, turn))

    def _token(self, flow: str, what: str, turn: int) -> str:
        expected = self.citizen.expected
        own, other = (expected.restore, expected.revocation)[:: 1 if flow == "restore" else -1]
        match what:
            case "right" if own:
                return own.token
            case "the other flow's" if other:
                return other.token
            case "earlier" if expected.spent_tokens:
                return expected.spent_tokens[turn % len(expected.spent_tokens)]
            case _:
                return "0" * 40

    @rule(is_asked_to=SELDOM)
    def the_contact_centre_revokes(self, is_asked_to: bool) -> None:
        """R21: rare, or every life would be short."""
        if is_asked_to:
            restore_and_revoke.contact_centre_revokes(self.citizen)

    @rule(is_asked_to=SELDOM, asks_anew=MOSTLY)
    def an_operator_erases_the_citizen(self, is_asked_to: bool, asks_anew: bool) -> None:
        """Last rules: rare, or every life would be short; afterwards a PIN can be asked for as before."""
        if is_asked_to:
            restore_and_revoke.operator_erases(self.citizen)
            if asks_anew:
                self.ask_for_a_pin(("mobile",), ("email",), None, used=True)

    @rule(submission=st.sampled_from(["online", "fax", "branch"]), goes_on=st.integers(0, 2))
    def ask_for_the_profile(self, submission: str, goes_on: int) -> None:
        """R22-R25: asked for; with documents; with an operator's approval."""
        upgrade.ask(self.citizen, submission)
        request = self.citizen.expected.request
        if request and goes_on > 0:
            upgrade.hand_in(self.citizen, request.id, "fax" if submission == "fax" else "online")
        if request and goes_on > 1:
            self.an_operator_approves("open", 0)

    @precondition(lambda self: self._asked_for_the_profile())
    @rule(which=OPENED, turn=TURN, via=st.sampled_from(["online", "fax"]))
    def hand_documents_in(self, which: str, turn: int, via: str) -> None:
        """R24."""
        upgrade.hand_in(self.citizen, self._request(which, turn), via)

    @precondition(lambda self: self._asked_for_the_profile())
    @rule(which=OPENED, turn=TURN)
    def an_operator_approves(self, which: str, turn: int) -> None:
        """R25, R29."""
        upgrade.approve(self.citizen, self._request(which, turn))
        self.approved()

    def approved(self) -> None:
        """Do what this world does by itself after an approval: here nothing, until its time has come."""

    @precondition(lambda self: self._asked_for_the_profile())
    @rule(which=OPENED, turn=TURN, reason=st.sampled_from(["incomplete", "illegible", "mismatch"]))
    def an_operator_cancels(self, which: str, turn: int, reason: str) -> None:
        """R28."""
        upgrade.cancel(self.citizen, self._request(which, turn), reason)

    def _asked_for_the_profile(self) -> bool:
        return bool(self.citizen.expected.request or self.citizen.expected.earlier_requests)

    def _request(self, which: str, turn: int) -> str:
        expected = self.citizen.expected
        match which, expected.request:
            case "open", Request(id=id_):
                return id_
            case "nobody's", _:
                return upgrade.NO_SUCH_REQUEST
            case _:
                earlier = expected.earlier_requests or [upgrade.NO_SUCH_REQUEST]
                return earlier[turn % len(earlier)]

    @rule(number=st.sampled_from(["CA12345AA", "CA99999AA"]), activates=SELDOM)
    def a_branch_looks_up(self, number: str, activates: bool) -> None:
        """R26."""
        upgrade.look_up(self.citizen)
        if activates:
            upgrade.at_a_branch(self.citizen, number)

    @rule(number=TURN)
    def send_an_istanza(self, number: int) -> None:
        """R30, R31."""
        upgrade.send_istanza(self.citizen, number)

    @invariant()
    def the_ledger_agrees(self) -> None:
        """R7 and all others: the status and the level are what they have to be."""
        the_ledger_says_what_is_expected(self.citizen)
        event(f"{self.citizen.expected.status} {self.citizen.expected.level}")
