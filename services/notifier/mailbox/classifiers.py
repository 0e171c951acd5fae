"""What understands the mails of each mailbox."""

from collections.abc import Mapping
from email.utils import parseaddr

from services.notifier.mailbox.bounce import bounce_classifier
from services.notifier.mailbox.evidence import Classifier
from services.notifier.mailbox.pec_receipt import pec_classifier
from services.notifier.mailbox.pec_settings import PecSettings
from services.notifier.mailbox.settings import BoxName
from services.notifier.settings import NotifierSettings


def open_classifier(name: BoxName, environ: Mapping[str, str]) -> Classifier:
    """Return what understands the mails of a mailbox.

    Raises:
        SettingsError: with these settings it cannot.
    """
    match name:
        case "pec":
            sender = parseaddr(NotifierSettings.load(environ).pec_from)[1]
            return pec_classifier(PecSettings.load(environ), sender)
        case "bounce":
            return bounce_classifier(NotifierSettings.load(environ))
