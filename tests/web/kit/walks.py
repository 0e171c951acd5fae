"""The ways to all pages."""

from tests.web.kit import console_ways, portal_ways

WALKS = (*portal_ways.WAYS, *console_ways.WAYS)
