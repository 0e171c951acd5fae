from datetime import timedelta
from pathlib import Path

import pytest

from services.notifier.channels import open_channel
from services.notifier.settings import NotifierSettings
from shared.contract.channels import CHANNELS
from shared.errors import SettingsError


def test_every_setting_has_a_default() -> None:
    assert NotifierSettings.load({}).retry_limit == 8


def test_settings_come_from_the_environment_and_secrets_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("s3cret\n")
    settings = NotifierSettings.load(
        {
            "PIN_SMS_URL": "https://sms.example.it/send",
            "PIN_PEC_SMTP_HOST": "smtps.pec.example.it",
            "PIN_PEC_SMTP_PORT": "465",
            "PIN_PEC_SMTP_TLS": "implicit",
            "PIN_PEC_SMTP_USER": "pin@pec.example.it",
            "PIN_PEC_SMTP_PASSWORD_FILE": str(tmp_path / "password"),
            "PIN_PEC_FROM": "pin@pec.example.it",
            "PIN_SMTP_MAIL_TIMEOUT": "PT5S",
            "PIN_POST_SPOOL": str(tmp_path),
        }
    )
    pec = settings.mailbox("pec")
    assert (pec.host, pec.port, pec.tls, pec.sender) == (
        "smtps.pec.example.it",
        465,
        "implicit",
        "pin@pec.example.it",
    )
    assert pec.password.reveal() == "s3cret"
    assert pec.mail_limit == timedelta(seconds=5)
    assert settings.mailbox("email").host == "localhost"
    assert settings.post_spool == tmp_path
    assert "s3cret" not in str(settings.shown())


@pytest.mark.parametrize("sender", ["", "nobody", "PIN <@example.it>", "PIN <pin@example.it>\r\nBcc: x@y.it"])
def test_a_sender_that_is_no_address_stops_the_start(sender: str) -> None:
    with pytest.raises(SettingsError, match="PIN_MAIL_FROM"):
        NotifierSettings.load({"PIN_MAIL_FROM": sender})


@pytest.mark.parametrize("name", [channel.name for channel in CHANNELS])
async def test_each_channel_opens_without_connecting(name: str) -> None:
    channel = open_channel(name, NotifierSettings())
    assert channel.name == name
    await channel.close()


def test_only_pec_asks_for_a_receipt() -> None:
    settings = NotifierSettings()
    assert settings.mailbox("pec").receipt == "sintetica"
    assert settings.mailbox("email").receipt is None


def test_a_channel_that_is_not_there_cannot_be_opened() -> None:
    with pytest.raises(ValueError, match="no channel called 'fax'"):
        open_channel("fax", NotifierSettings())
