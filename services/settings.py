"""Every group of settings that a worker reads: in a cluster, one ConfigMap feeds all workers."""

from services.issuer.settings import AccessSettings
from services.notifier.canary.settings import CanarySettings
from services.notifier.mailbox.pec_settings import PecSettings
from services.notifier.mailbox.settings import MailboxSettings
from services.notifier.settings import AcceptanceSettings, NotifierSettings
from services.notifier.shop.settings import PrintJobSettings
from services.notifier.shop.wire_settings import ShopWireSettings
from shared.config.settings import PlaintextSettings, Settings
from shared.domain.policy import PinPolicy
from shared.worker.settings import WorkerSettings

GROUPS: tuple[type[Settings], ...] = (
    WorkerSettings,
    PlaintextSettings,
    PinPolicy,
    AccessSettings,
    NotifierSettings,
    MailboxSettings,
    AcceptanceSettings,
    PecSettings,
    PrintJobSettings,
    ShopWireSettings,
    CanarySettings,
)
