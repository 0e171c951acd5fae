"""The settings of several providers: each has all of a channel's for itself, and nothing goes astray."""

from datetime import timedelta
from pathlib import Path

import pytest

from services.notifier.guarded import GuardedProvider
from services.notifier.senders import open_sender
from services.notifier.settings import NotifierSettings
from services.notifier.several import SeveralProviders
from services.settings import GROUPS
from shared.config.settings import unknown
from shared.errors import SettingsError

TWO = {
    "PIN_SMS_PROVIDERS": "first, second",
    "PIN_SMS_FIRST_URL": "http://localhost:1/sms",
    "PIN_SMS_FIRST_TOKEN": "one",
    "PIN_SMS_SECOND_URL": "http://localhost:2/sms",
    "PIN_SMS_SECOND_TIMEOUT": "PT3S",
}


def test_each_provider_has_the_settings_with_its_name_and_the_defaults() -> None:
    settings = NotifierSettings.load(TWO)
    first, second = (settings.of_provider("sms", name) for name in ("first", "second"))
    assert (first.sms_url, second.sms_url) == ("http://localhost:1/sms", "http://localhost:2/sms")
    assert (first.sms_timeout, second.sms_timeout) == (timedelta(seconds=10), timedelta(seconds=3))


def test_no_token_goes_to_another_provider_than_its_own() -> None:
    settings = NotifierSettings.load(TWO | {"PIN_SMS_TOKEN": "of the one provider of before"})
    assert settings.of_provider("sms", "first").sms_token.reveal() == "one"
    assert settings.of_provider("sms", "second").sms_token.reveal() == ""


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("two\n")
    settings = NotifierSettings.load(TWO | {"PIN_SMS_SECOND_TOKEN_FILE": str(tmp_path / "token")})
    assert settings.of_provider("sms", "second").sms_token.reveal() == "two"


def test_without_names_there_is_one_provider_as_before() -> None:
    settings = NotifierSettings.load({"PIN_SMS_URL": "http://localhost:1/sms"})
    assert settings.provider_names("sms") == ()
    assert isinstance(open_sender("sms", settings, None), GuardedProvider)
    assert isinstance(open_sender("pec", settings, None), GuardedProvider)


def test_names_are_in_order_or_by_weight() -> None:
    for names, ordered, weights in (("first second", True, [1, 1]), ("first=3, second=1", False, [3, 1])):
        sender = open_sender("sms", NotifierSettings.load(TWO | {"PIN_SMS_PROVIDERS": names}), None)
        assert isinstance(sender, SeveralProviders)
        assert sender.router.ordered is ordered
        assert [route.weight for route in sender.router.routes] == weights


def test_mail_may_have_several_relays_from_one_sender() -> None:
    environ = {
        "PIN_SMTP_PROVIDERS": "main,spare",
        "PIN_SMTP_MAIN_HOST": "localhost",
        "PIN_SMTP_SPARE_HOST": "127.0.0.1",
        "PIN_SMTP_SPARE_RATE": "5",
        "PIN_MAIL_FROM": "PIN <pin@example.it>",
    }
    sender = open_sender("email", NotifierSettings.load(environ), None)
    assert isinstance(sender, SeveralProviders)
    assert [(route.name, route.rate) for route in sender.router.routes] == [("main", 0), ("spare", 5)]
    own = NotifierSettings.load(environ).of_provider("email", "spare").mailbox("email")
    assert (own.host, own.sender) == ("127.0.0.1", "PIN <pin@example.it>")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"PIN_SMS_PROVIDERS": "first,first"}, "PIN_SMS_PROVIDERS: .*twice"),
        ({"PIN_SMS_PROVIDERS": "first=1,second"}, "PIN_SMS_PROVIDERS: .*weight"),
        ({"PIN_SMS_PROVIDERS": "first=0"}, "PIN_SMS_PROVIDERS"),
        ({"PIN_SMS_PROVIDERS": "Fir-st"}, "PIN_SMS_PROVIDERS"),
        ({"PIN_SMS_PROVIDERS": "first,third"}, "PIN_SMS_THIRD_…: no setting of this provider"),
        ({"PIN_SMS_PROVIDERS": "first,connect"}, "PIN_SMS_PROVIDERS: connect cannot be told"),
        ({"PIN_SMS_FIRST_CONCURRENCY": "0"}, "PIN_SMS_FIRST_CONCURRENCY: "),
        ({"PIN_SMS_FIRST_CA": "/nowhere"}, "PIN_SMS_FIRST_CA: "),
        ({"PIN_SMS_SECOND_URL": "http://sms.example.com/"}, "PIN_SMS_SECOND_URL: http:// to sms.example.com"),
    ],
)
def test_what_is_wrong_is_named_by_the_provider_s_own_setting(changes: dict[str, str], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        NotifierSettings.load(TWO | changes)


@pytest.mark.parametrize(
    ("name", "allowed"), [("PIN_SMS_SECOND_URL", True), ("sms.example.com", True), ("PIN_SMS_URL", False)]
)
def test_what_may_be_in_the_clear_is_allowed_by_its_own_name(name: str, *, allowed: bool) -> None:
    environ = TWO | {"PIN_SMS_SECOND_URL": "http://sms.example.com/", "PIN_ALLOW_PLAINTEXT": name}
    if allowed:
        assert [one.setting for one in NotifierSettings.load(environ).plaintext()] == ["PIN_SMS_SECOND_URL"]
        return
    with pytest.raises(SettingsError, match="PIN_SMS_SECOND_URL"):
        NotifierSettings.load(environ)


def test_every_worker_knows_the_names_and_no_others() -> None:
    misspelt = {"PIN_SMS_SECOND_ULR": "", "PIN_SMS_THIRD_URL": ""}
    assert set(unknown(TWO | misspelt, GROUPS)) == set(misspelt)
    assert unknown(TWO | {"PIN_SMS_FIRST_TOKEN_FILE": ""}, GROUPS) == {}


def test_they_are_shown_with_their_names_and_without_their_secrets() -> None:
    shown = NotifierSettings.load(TWO).shown()
    assert shown["sms_second_timeout"] == "PT3S"
    assert not any("token" in name or value == "one" for name, value in shown.items())
