"""The names of a channel's several providers, and the variables that each one's settings come from.

Provider `first` of the SMS has every setting `PIN_SMS_…` for itself, as `PIN_SMS_FIRST_…`. Nothing falls back
on the setting without a name: no token goes to another provider than its own.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeVar

from shared.errors import SettingsError

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {"sms": ("sms", "smpp"), "email": ("smtp",)}
"""The channels that may have several providers, and how the settings of one begin; a PEC is one account's."""
_NAME = re.compile(r"([a-z][a-z0-9]{0,19})(?:=([1-9][0-9]{0,3}))?")
_Read_co = TypeVar("_Read_co", covariant=True)


class Named(NamedTuple):
    """A provider as it is named in the settings; the weight is None where they are in order."""

    name: str
    weight: int | None


def parsed(names: str) -> tuple[Named, ...]:
    """Return the providers of a setting.

    Raises:
        ValueError: a name or a weight is none, a name comes twice, or only some have a weight.
    """
    found = []
    for word in names.replace(",", " ").split():
        if not (match := _NAME.fullmatch(word)):
            raise ValueError(
                "has to be names such as `first,second` or `first=3,second=1`: letters and digits"
            )
        found.append(Named(match[1], int(match[2]) if match[2] else None))
    if len({one.name for one in found}) < len(found):
        raise ValueError("names a provider twice")
    if len({one.weight is None for one in found}) > 1:
        raise ValueError("has to give each provider a weight, or none")
    return tuple(found)


def checked(names: str) -> str:
    """Return the setting as it is, if it can be parsed."""
    parsed(names)
    return names


def own(channel: str, name: str, field: str) -> str:
    """Return what a field of a channel's settings is called for one provider: `sms_first_url`."""
    group = next(group for group in GROUPS[channel] if field.startswith(f"{group}_"))
    return f"{group}_{name}_{field.removeprefix(f'{group}_')}"


def is_own(channel: str, field: str) -> bool:
    """Return whether each provider of a channel has this field for itself."""
    return any(field.startswith(f"{group}_") and field != f"{group}_providers" for group in GROUPS[channel])


def read(
    reader: Callable[[Mapping[str, str]], _Read_co],
    environ: Mapping[str, str],
    channel: str,
    name: str,
    fields: Collection[str],
) -> _Read_co:
    """Read the settings of one provider.

    Args:
        reader: reads settings without a name.
        environ: the environment.
        channel: the channel.
        name: of the provider.
        fields: all fields of the settings.

    Raises:
        SettingsError: naming every setting that is wrong, at once, or that none is given.
    """
    mine = [field for field in fields if is_own(channel, field)]
    for field in mine:
        if any(
            field == f"{group}_{name}" or field.startswith(f"{group}_{name}_") for group in GROUPS[channel]
        ):
            raise SettingsError(
                f"PIN_{GROUPS[channel][0].upper()}_PROVIDERS: {name} cannot be told from a setting"
            )
    variables = {
        f"PIN_{own(channel, name, field).upper()}{suffix}": f"PIN_{field.upper()}{suffix}"
        for field in mine
        for suffix in ("", "_FILE")
    }
    given = {plain: environ[named] for named, plain in variables.items() if named in environ}
    if not given:
        first = f"PIN_{GROUPS[channel][0]}_{name}_".upper()
        raise SettingsError(f"{first}…: no setting of this provider is given")
    common = {key: value for key, value in environ.items() if key not in variables.values()}
    common = {key: value for key, value in common.items() if not key.endswith("_PROVIDERS")}
    try:
        return reader(common | given)
    except SettingsError as error:
        raise SettingsError("; ".join(renamed(channel, name, [str(error)]))) from None


def renamed(channel: str, name: str, texts: Iterable[str]) -> Iterator[str]:
    """Yield those of some texts that are about a channel's settings, with the names that one provider has."""
    for text in texts:
        found = text
        for group in GROUPS[channel]:
            found = found.replace(f"PIN_{group.upper()}_", f"PIN_{group}_{name}_".upper())
        if found != text:
            yield found


def variables(environ: Mapping[str, str], fields: Collection[str]) -> Iterator[str]:
    """Yield the variables of every provider that an environment names."""
    for channel, groups in GROUPS.items():
        try:
            named = parsed(environ.get(f"PIN_{groups[0].upper()}_PROVIDERS", ""))
        except ValueError:
            continue
        for one in named:
            yield from (
                f"PIN_{own(channel, one.name, field).upper()}" for field in fields if is_own(channel, field)
            )
