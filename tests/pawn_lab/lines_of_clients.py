"""Lines that clients send: what is no message, and how it is answered."""

from typing import Any

from pawn_lab.server.wire import MOST_BYTES

NOT_JSON, NOT_A_REQUEST = -32700, -32600
PING = b'{"jsonrpc":"2.0","id":7,"method":"ping"}'
INITIALIZE = (
    b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",'
    b'"capabilities":{},"clientInfo":{"name":"x","version":"1"}}}'
)
HALF_AN_EMOJI = (
    b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":'
    b'{"name":"lab_notes","arguments":{"append":"a\\ud83d b"}}}'
)


def nested(levels: int) -> bytes:
    """A call whose config is as deep as that; its id comes after it."""
    config = b'{"id":' * levels + b"1" + b"}" * levels
    return b'{"jsonrpc":"2.0","method":"tools/call","params":' + config + b',"id":"deep"}'


UNANSWERABLE: dict[str, tuple[bytes, int, list[Any]]] = {
    "half an emoji": (HALF_AN_EMOJI, NOT_JSON, [5]),
    "its other half": (PING.replace(b"ping", b"\\udc00"), NOT_JSON, [7]),
    "no JSON": (b"this is not json", NOT_JSON, [None]),
    "a request that breaks off": (PING[:-1], NOT_JSON, [7]),
    "text that breaks off": (b'{"id":4,"method":"\\', NOT_JSON, [4]),
    "an id within text": (b'{"method":"{\\"id\\":4,", x', NOT_JSON, [None]),
    "bytes that are no UTF-8": (b'{"jsonrpc":"2.0","id":4,"method":"\xff"}', NOT_JSON, [4]),
    "a byte order mark": (b"\xef\xbb\xbf" + PING, NOT_JSON, [7]),
    "a deep config": (nested(100_000), NOT_JSON, ["deep"]),
    "a batch": (b"[" + PING + b"," + PING.replace(b"7", b'"a"') + b"]", NOT_A_REQUEST, [7, "a"]),
    "an empty batch": (b"[]", NOT_A_REQUEST, [None]),
    "a batch of a batch": (b"[[" + PING + b"]]", NOT_A_REQUEST, [None]),
    "a number": (b"5", NOT_A_REQUEST, [None]),
    "null": (b"null", NOT_A_REQUEST, [None]),
    "another version": (PING.replace(b"2.0", b"1.0"), NOT_A_REQUEST, [7]),
    "neither method nor result": (b'{"jsonrpc":"2.0","id":7}', NOT_A_REQUEST, [7]),
    "params as a list": (PING[:-1] + b',"params":[1]}', NOT_A_REQUEST, [7]),
    "an id with a fraction": (PING.replace(b"7", b"1.5"), NOT_A_REQUEST, [None]),
    "no id": (PING.replace(b"7", b"null"), NOT_A_REQUEST, [None]),
    "an id that is an object": (PING.replace(b"7", b"{}"), NOT_A_REQUEST, [None]),
    "a huge line": (PING[:-1] + b',"x":"' + b"x" * MOST_BYTES + b'"}', NOT_A_REQUEST, [7]),
}
