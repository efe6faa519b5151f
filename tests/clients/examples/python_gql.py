import asyncio
from collections.abc import AsyncIterator

from gql import Client, GraphQLRequest
from gql.transport.aiohttp import AIOHTTPTransport
from gql.transport.exceptions import TransportClosed, TransportConnectionFailed
from gql.transport.websockets import WebsocketsTransport


def over_http(url: str, token: str) -> Client:
    transport = AIOHTTPTransport(url, headers={"Authorization": f"Bearer {token}"})
    # With the schema at hand, a query that does not fit it is refused before it is sent.
    return Client(transport=transport, fetch_schema_from_transport=True)


def over_websocket(url: str, token: str) -> Client:
    transport = WebsocketsTransport(
        url.replace("http", "ws", 1),
        init_payload={"authorization": f"Bearer {token}"},
        # Without this, gql 4.4 does not see which protocol the server chose, and speaks an older one.
        subprotocols=[WebsocketsTransport.GRAPHQLWS_SUBPROTOCOL],
    )
    return Client(transport=transport)


NEWEST = """
    query ($first: Int!) {
      auditLogs(first: $first) {
        nodes { id timestamp action tableName recordId username description changes { field oldText newText } }
      }
    }
"""
UNDO = """
    mutation ($id: ID!, $reason: String) {
      undo(id: $id, reason: $reason) { effects { recordId changes { field oldText newText } } }
    }
"""
PAGE = """
    query ($filter: AuditLogFilter, $after: String) {
      auditLogs(filter: $filter, first: 100, after: $after) {
        nodes { id recordId }
        pageInfo { hasNextPage endCursor }
      }
    }
"""
ADDED = """
    subscription ($after: String) {
      auditLogAdded(after: $after) { cursor auditLog { id action tableName recordId } }
    }
"""


async def newest(session, first: int) -> list[dict]:
    data = await session.execute(GraphQLRequest(NEWEST, variable_values={"first": first}))
    return data["auditLogs"]["nodes"]


async def undo(session, id: str, reason: str) -> list[dict]:
    data = await session.execute(GraphQLRequest(UNDO, variable_values={"id": id, "reason": reason}))
    return data["undo"]["effects"]


async def pages(session, filter: dict) -> AsyncIterator[list[dict]]:
    after, more = None, True
    while more:
        data = await session.execute(GraphQLRequest(PAGE, variable_values={"filter": filter, "after": after}))
        yield data["auditLogs"]["nodes"]
        after, more = data["auditLogs"]["pageInfo"]["endCursor"], data["auditLogs"]["pageInfo"]["hasNextPage"]


async def position(session) -> str:
    return (await session.execute(GraphQLRequest("{ feedCursor }")))["feedCursor"]


async def follow(url: str, token: str, after: str) -> AsyncIterator[dict]:
    """Entries as they come. After a lost connection it goes on where it was."""
    while True:
        try:
            async with over_websocket(url, token) as session:
                async for data in session.subscribe(GraphQLRequest(ADDED, variable_values={"after": after})):
                    after = data["auditLogAdded"]["cursor"]
                    yield data["auditLogAdded"]["auditLog"]
        except (TransportClosed, TransportConnectionFailed, OSError):
            await asyncio.sleep(1)


async def main(url: str, token: str) -> None:
    async with over_http(url, token) as session:
        for entry in await newest(session, 10):
            print(entry["timestamp"], entry["action"], entry["tableName"], entry["recordId"])
        async for entry in follow(url, token, await position(session)):
            print(entry["action"], entry["tableName"], entry["recordId"])
