"""What an SMSC tells, read and handed on."""

from collections.abc import Sequence

import smpp34

from repoint.delivery.heard import Hear, Heard, Receipt, named
from repoint.delivery.smpp.alphabet import Default
from repoint.delivery.smpp.deliver import Ids, is_receipt, read_inbound, read_receipt


class Ear:
    """Hears for one provider, whose name goes before the ids of its SMSC."""

    def __init__(self, hear: Hear, provider_name: str, *, ids: Ids, default: Default) -> None:
        self._hear = hear
        self._name = provider_name
        self._ids: Ids = ids
        self._default: Default = default

    async def hear(self, pdus: Sequence[smpp34.DeliverSm]) -> None:
        """Returns when all of it is committed; what means nothing to us is passed over."""
        heard = [found for pdu in pdus if (found := self._read(pdu)) is not None]
        if heard:
            await self._hear(heard)

    def _read(self, pdu: smpp34.DeliverSm) -> Heard | None:
        if not is_receipt(pdu):
            return read_inbound(pdu, self._default)
        found = read_receipt(pdu, self._ids)
        return None if found is None else Receipt(named(self._name, found.receipt_id), found.status)
