"""A server in this process, for as long as it is needed."""

from __future__ import annotations

import httpx
import pytest
from tests.serving import SCRIPTED

from louro.cli.embedded import embedded_server


class MissingDevice(Exception):
    pass


@pytest.mark.anyio
async def test_it_serves_and_what_is_raised_meanwhile_comes_out_as_it_is() -> None:
    with pytest.raises(MissingDevice):
        async with embedded_server(lambda _: None, SCRIPTED) as address:
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"{address}/health")).status_code == 200
            raise MissingDevice
