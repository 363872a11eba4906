"""What gateways tell us by HTTP, noted; http/public.py dispatches it when the token of the URL admits to it."""

from repoint.contract.errors import BadRequestException
from repoint.delivery.gateway.callback import CallbackOptions, Told
from repoint.delivery.heard import Inbound, Receipt
from repoint.delivery.providers.sms_http import SmsHttpOptions
from repoint.delivery.receipts import note_receipts
from repoint.delivery.routes import Routes
from repoint.delivery.two_way.inbound import note_inbound
from repoint.operation import Call, Input, Output, internal


def callbacks_of(routes: Routes, provider_name: str) -> CallbackOptions | None:
    """How the gateway of this name tells; None for one that does not, or that there is not."""
    found = routes.providers.get(provider_name)
    return found.options.callbacks if found is not None and isinstance(found.options, SmsHttpOptions) else None


@internal()
async def note_gateway_callback(call: Call, arguments: Input) -> Output:
    """Note what the gateway `Provider` tells by `Query` and `Body`, as `Options` read it.

    Raises BadRequestException for what is neither a receipt nor a message, unless receipts are all that is told: most
    of these are of what has not ended yet.
    """
    options: CallbackOptions = arguments["Options"]
    heard = Told(arguments["Query"], arguments["Body"]).heard(arguments["Provider"], options)
    if isinstance(heard, Receipt):
        await note_receipts(call.db, call.settings.account_id, [heard], call.now)
    elif isinstance(heard, Inbound):
        await note_inbound(call.db, call.settings, [heard], call.now)
    elif options.receipts is None:
        raise BadRequestException("Neither a receipt nor a message: see the setting callbacks of the provider")
