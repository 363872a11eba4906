"""Mails that came back, handed over by a mail server."""

import asyncio

from repoint.delivery.bounces.read import read_bounce
from repoint.delivery.told import note_told
from repoint.operation import Call, Input, Output, extension


@extension("POST", "/repoint/v1/bounces", raw_body=True, in_steps=True, audit="group")
async def note_bounce(call: Call, arguments: Input) -> Output:
    """Note what a mail tells, as it came, of a message of any application: `{"Kind": "hardbounce", "Noted": 1}`.

    Kind is `delivered`, `hardbounce`, `softbounce`, `complaint`, or `other` for a mail that tells nothing. Noted is 0
    for these, for messages that nobody knows, and for what was told before.
    """
    # Some megabytes of parts take a moment.
    read = await asyncio.to_thread(read_bounce, arguments["Body"], call.now)
    if read.told is None:
        return {"Kind": read.kind, "Noted": 0}
    async with call.step() as db:
        noted = await note_told(db, call.settings, call.now, [read.told])
    return {"Kind": read.kind, "Noted": noted.count}
