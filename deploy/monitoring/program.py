"""The program for mtail, which reads the logs and keeps of each kind of line the number or the last time."""

from collections.abc import Sequence
from textwrap import indent

from deploy.monitoring.alert import Alert, label
from deploy.monitoring.alerts import ALERTS

_HEAD = """\
# Made by `python -m deploy.monitoring` from deploy/monitoring/alerts.py. It reads lines as the workers and
# pinctl write them (docs/logs.md), alone or after what a container runtime (CRI) puts before each; fields in
# any order.
#
# A value stands between quotes, and in a value every quote is escaped: so no sender can make a field by what
# it sends. A value that is longer than usual or has such a character counts as empty.
"""
_LIMIT = 500
"""Values of a metric that are kept, the latest: a name that a sender chooses must not fill the memory."""
_HANDLED = """\
counter pin_handled_total by worker, type, outcome limit 500
counter pin_replies_total by worker limit 500
counter pin_replies_prompt_total by worker limit 500
counter pin_handed_total by worker limit 500
counter pin_prompt_total by worker limit 500
counter pin_tried_total by worker limit 500
counter pin_settled_total by worker limit 500
counter pin_letters_total
counter pin_letters_punctual_total
histogram pin_waited_seconds by worker buckets 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600
histogram pin_took_seconds by worker buckets 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30
"""
_LINE = """\
# When it was written: as it says itself, or the runtime, or now.
/^(?P<at>\\d{4}-\\d\\d-\\d\\dT\\S{8,30}) std(?:out|err) / {
  strptime($at, "2006-01-02T15:04:05.999999999Z07:00")
}
/"timestamp":"(?P<at>\\d{4}-\\d\\d-\\d\\dT[0-9:.]{8,18}Z)"/ {
  strptime($at, "2006-01-02T15:04:05.999999999Z07:00")
}
"""
_HANDLED_EVENT = "message.handled"
"""The one that there is many times a second: of its lines only what is asked for is read."""
_MEASURED = """\
  pin_handled_total[worker][type][outcome]++
  /"waited_ms":(?P<ms>\\d+)/ {
    pin_waited_seconds[worker] = $ms / 1000.0
  }
  /"took_ms":(?P<ms>\\d+\\.\\d+)/ {
    pin_took_seconds[worker] = $ms / 1000.0
  }
  outcome =~ /^(?:accepted|rejected)$/ {
    pin_replies_total[worker]++
    /"waited_ms":(?:-?\\d{1,3}|1000)[,}]/ {
      pin_replies_prompt_total[worker]++
    }
    /"waited_ms":null/ {
      /"took_ms":(?:\\d{1,3}|1000)\\.\\d/ {
        pin_replies_prompt_total[worker]++
      }
    }
  }
  /"handed":(?P<handed>\\d+)/ {
    pin_handed_total[worker] += $handed
    pin_settled_total[worker] += $handed
    pin_tried_total[worker] += $handed
    /"prompt":(?P<n>\\d+)/ {
      pin_prompt_total[worker] += $n
    }
    /"refused":(?P<n>\\d+)/ {
      pin_settled_total[worker] += $n
      pin_tried_total[worker] += $n
    }
    /"again":(?P<n>\\d+)/ {
      pin_tried_total[worker] += $n
    }
  }
"""
_LETTERS = """\
  event == "job.handed" {
    /"letters":(?P<letters>\\d+)/ {
      pin_letters_total += $letters
      /"late":(?P<late>\\d+)/ {
        pin_letters_punctual_total += $letters - $late
      }
    }
  }
  event == "letters.over_cap" {
    /"waiting":(?P<n>\\d+)/ {
      pin_letters_total += $n
    }
  }
"""


def text() -> str:
    """Return the program."""
    handled = [alert for alert in ALERTS if alert.events == (_HANDLED_EVENT,)]
    rare = [alert for alert in ALERTS if alert.events and alert not in handled]
    said = [alert for alert in ALERTS if alert.says]
    of_handled = _fields(handled, "worker", "type", "outcome")
    of_rare = _fields(rare, "event")
    parts = (
        _HEAD + "\n".join(_metric(alert) for alert in ALERTS) + f"\n{_HANDLED}",
        "".join(f"hidden text {name}\n" for name in sorted({*of_handled, *of_rare})),
        _LINE,
        f'/"event":"{_HANDLED_EVENT.replace(".", "[.]")}"/ {{',
        "".join(map(_field, of_handled)) + _MEASURED + _conditions(handled) + '} else {\n  /"event":"/ {',
        indent("".join(map(_field, of_rare)) + _conditions(rare) + _LETTERS, "  ") + "  } else {",
        indent(_conditions(said), "  ") + "  }\n}\n",
    )
    return "\n".join(parts)


def _fields(alerts: Sequence[Alert], *more: str) -> list[str]:
    return list(dict.fromkeys([*more, *(name for alert in alerts for name in (*alert.where, *alert.by))]))


def _conditions(alerts: Sequence[Alert]) -> str:
    return "".join(indent(_counted(alert, _condition(alert)), "  ") for alert in alerts)


def _metric(alert: Alert) -> str:
    labels = f" by {', '.join(map(label, alert.by))} limit {_LIMIT}" if alert.by else ""
    return f"{'counter' if alert.counts else 'gauge'} {alert.metric}{labels}"


def _field(name: str) -> str:
    return f'  {name} = ""\n  /"{name}":"(?P<value>[^"\\\\]{{1,100}})"/ {{\n    {name} = $value\n  }}\n'


def _condition(alert: Alert) -> str:
    if alert.says:
        return rf"/^(?:\S+ std(?:out|err) [FP] )?(?:{alert.says})/"
    fields = {"event": alert.events, **alert.where}
    if alert.events == (_HANDLED_EVENT,):
        del fields["event"]
    return " && ".join(_one_of(*one) for one in fields.items())


def _one_of(field: str, values: tuple[str, ...]) -> str:
    if len(values) == 1:
        return f'{field} == "{values[0]}"'
    return f"{field} =~ /^(?:{'|'.join(values).replace('.', '[.]')})$/"


def _counted(alert: Alert, condition: str) -> str:
    metric = alert.metric + "".join(f"[{field}]" for field in alert.by)
    return f"{condition} {{\n  {metric}{'++' if alert.counts else ' = timestamp()'}\n}}\n"
