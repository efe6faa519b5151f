"""Python's `gql`, put through what `story.js` puts the others through."""

import asyncio
import os
import urllib.request
from datetime import datetime

from gql import Client, GraphQLRequest
from gql.transport.exceptions import TransportQueryError
from gql.utilities import update_schema_scalars
from graphql import GraphQLError, GraphQLScalarType

from examples.python_gql import follow, newest, over_http, pages, position, undo

URL, TOKEN, STAGE = (os.environ[name] for name in ("AFTERIMAGE_URL", "AFTERIMAGE_TOKEN", "STAGE_URL"))
PATIENCE = 90


async def order(path: str, body: str = "") -> None:
    request = urllib.request.Request(STAGE + path, data=body.encode(), method="POST")
    await asyncio.to_thread(lambda: urllib.request.urlopen(request).close())


async def ask_and_undo(session) -> None:
    before = await newest(session, 10)
    assert [entry["recordId"] for entry in before] == [str(id) for id in range(1000, 990, -1)], before
    await order("/sql", "update products set price = 2 where id = 7")
    [update] = await newest(session, 1)
    assert update["changes"] == [{"field": "price", "oldText": "1", "newText": "2"}], update
    effects = await undo(session, update["id"], "wrong product")
    assert effects == [{"recordId": "7", "changes": [{"field": "price", "oldText": "2", "newText": "1"}]}], effects
    [undone] = await newest(session, 1)
    assert undone["description"] == "wrong product", undone
    assert int(undone["id"]) == int(update["id"]) + 1, undone


async def read_pages(session) -> None:
    read = [page async for page in pages(session, {"tableName": ["products"], "action": ["CREATE"]})]
    assert [len(page) for page in read] == [100] * 10
    entries = [entry for page in read for entry in page]
    assert [entry["recordId"] for entry in entries] == [str(id) for id in range(1000, 0, -1)]
    ids = [int(entry["id"]) for entry in entries]
    assert ids == sorted(set(ids), reverse=True)


async def the_schema_is_held_against_queries(client: Client, session) -> None:
    try:
        await session.execute(GraphQLRequest("{ auditLogs { edges { nonsense } } }"))
        raise AssertionError("a field that is none was let through")
    except GraphQLError as error:
        assert "nonsense" in str(error), error

    def instant(text: str) -> datetime:
        return datetime.fromisoformat(text.replace("Z", "+00:00"))

    update_schema_scalars(client.schema, [GraphQLScalarType("DateTime", parse_value=instant)])
    request = GraphQLRequest("{ auditLogs(first: 1) { nodes { timestamp } } }")
    data = await session.execute(request, parse_result=True)
    assert isinstance(data["auditLogs"]["nodes"][0]["timestamp"], datetime), data


async def errors_have_codes(session) -> None:
    try:
        await undo(session, "999999", "none")
        raise AssertionError("an entry that is none was undone")
    except TransportQueryError as error:
        assert error.errors[0]["extensions"]["code"] == "NOT_FOUND", error


async def follow_over_a_break(session) -> None:
    async def insert(id: int) -> None:
        await order("/sql", f"insert into products values ({id}, 'Chair', 5)")

    after = await position(session)
    await insert(1001)
    entries = follow(URL, TOKEN, after)
    seen: list[str] = []

    async def read_to(record_id: int) -> None:
        async with asyncio.timeout(PATIENCE):
            while not seen or not seen[-1].endswith(f" {record_id}"):
                entry = await anext(entries)
                seen.append(f"{entry['action']} {entry['recordId']}")

    await read_to(1001)
    await insert(1002)
    await read_to(1002)
    await order("/cut")
    await insert(1003)
    await order(
        "/sql",
        "begin; insert into products values (1004, 'Desk', 9); update products set price = 8 where id = 1004; commit",
    )
    await order("/mend")
    await insert(1005)
    await read_to(1005)
    await insert(1006)
    await read_to(1006)

    await order("/stop")
    await insert(1007)
    await order("/start")
    await insert(1008)
    await read_to(1008)
    await entries.aclose()
    assert seen == [
        "CREATE 1001", "CREATE 1002", "CREATE 1003", "CREATE 1004", "UPDATE 1004", "CREATE 1005", "CREATE 1006",
        "CREATE 1007", "CREATE 1008",
    ], seen
    try:
        await anext(follow(URL, TOKEN, "no cursor"))
        raise AssertionError("a cursor that is none was let through")
    except TransportQueryError as error:
        assert error.errors[0]["extensions"]["code"] == "BAD_USER_INPUT", error


async def main() -> None:
    client = over_http(URL, TOKEN)
    async with client as session:
        await ask_and_undo(session)
        await read_pages(session)
        await the_schema_is_held_against_queries(client, session)
        await errors_have_codes(session)
        await follow_over_a_break(session)


asyncio.run(main())
