"""Hostile messages: every body and every envelope of rows 17 and 18 of the failure matrix, thrown together by a seed.

What a letter must say of a message's headers is worked out here from the contract (section 7: all headers with their AMQP
types, except `x-api-key`), not by the worker's code.
"""

import base64
import json
import random
import struct
import uuid

from .wire import long, short

COMMANDS = ["allocate", "deallocate", "compensate", "isolate", "unisolate", "available", "quarantine", "unquarantine",
            "reclassify", "decommission"]
SECRET = "hunter2-planted-secret"
# More than this is cut by the worker, which says so (`headersWereCut`).
MAX_DEPTH, MAX_VALUES = 64, 16_384


class Header:
    """One entry of a table: its bytes, and what a letter writes of it (None: not compared)."""

    def __init__(self, name, letter, raw, kind=None, value=None):
        self.name, self.letter, self.raw, self.kind, self.value = name, letter, raw, kind, value

    @property
    def name_bytes(self):
        return self.name if isinstance(self.name, bytes) else self.name.encode()

    @property
    def bytes(self):
        return short(self.name) + self.letter.encode() + self.raw

    @property
    def is_secret(self):
        return isinstance(self.name, str) and self.name.lower() == "x-api-key"

    def said(self):
        return {"name": self.name, "type": self.kind, "value": self.value}


def text(name, value):
    return Header(name, "S", long(value.encode()), "string", value)


def table(name, entries):
    return Header(name, "F", long(b"".join(entry.bytes for entry in entries)), "table", [entry.said() for entry in entries])


def array(name, elements):
    """Elements are headers, whose names do not count."""
    return Header(name, "A", long(b"".join(e.letter.encode() + e.raw for e in elements)), "array",
                  [{"type": e.kind, "value": e.value} for e in elements])


def every_type():
    def number(letter, layout, kind, value):
        return Header(kind, letter, struct.pack(layout, value), kind, value if abs(value) < 2 ** 53 else str(value))
    plain = [
        Header("boolean", "t", b"\1", "boolean", True), number("b", ">b", "int8", -128), number("B", ">B", "uint8", 255),
        number("s", ">h", "int16", -32768), number("u", ">H", "uint16", 65535), number("I", ">i", "int32", -2 ** 31),
        number("i", ">I", "uint32", 2 ** 32 - 1), number("l", ">q", "int64", -2 ** 63),
        Header("float", "f", struct.pack(">f", 1.5), "float", "1.5"),
        Header("double", "d", struct.pack(">d", -2.25), "double", "-2.25"),
        Header("decimal", "D", struct.pack(">Bi", 2, 12345), "decimal", {"scale": 2, "value": 12345}),
        text("string", "é \U0001f40e"), Header("not text", "S", long(b"\xff\0\xfe"), "string-base64", "/wD+"),
        Header("bytes", "x", long(b"\0\xff"), "byteArray", "AP8="), number("T", ">Q", "timestamp", 2 ** 63 - 1),
        Header("nothing", "V", b"", "void", None),
    ]
    return plain + [array("array", plain), table("table", plain + [table("inner", plain)])]


class Message:
    def __init__(self, note):
        self.note = note
        self.exchange = self.key = None  # set by the generator
        self.body = b""
        self.headers = []  # None: no table at all
        self.raw_table = None  # bytes instead of `headers`
        self.must_be_cut = False
        self.properties = {}  # name → bytes, as on the wire
        self.server_id = None  # set: it may be applied, as the enrolment of this server

    @property
    def outcomes(self):
        """How many decisions it must end in: its own, and those of the queues that a CC sends it to."""
        sent = 0 if self.raw_table is not None else sum(header.name == "CC" for header in self.headers)
        return 1 + sent * Generator.CC_COUNT

    FLAGS = [("content_type", 15), ("content_encoding", 14), ("headers", 13), ("delivery_mode", 12), ("priority", 11),
             ("correlation_id", 10), ("reply_to", 9), ("expiration", 8), ("message_id", 7), ("timestamp", 6), ("type", 5),
             ("user_id", 4), ("app_id", 3), ("cluster_id", 2)]

    def wire_properties(self):
        fields = dict(self.properties)
        raw = self.raw_table
        if raw is None and self.headers:
            raw = b"".join(header.bytes for header in self.headers)
        if raw is not None:
            fields["headers"] = long(raw)
        flags = sum(1 << bit for name, bit in self.FLAGS if name in fields)
        return struct.pack(">H", flags) + b"".join(fields[name] for name, _ in self.FLAGS if name in fields)

    def said_headers(self, are_sorted):
        """What its letter must list as headers, where the broker hands them on sorted by name or as they came; None where
        this is not worked out."""
        if self.raw_table is not None:
            return None
        headers = self.headers
        if are_sorted:
            first = {}
            for header in headers:
                first.setdefault(header.name_bytes, header)
            headers = [first[name] for name in sorted(first)]
        return [header.said() for header in headers if not header.is_secret]

    def __repr__(self):
        return f"«{self.note}» ({len(self.body)} bytes to {self.exchange!r} as {self.key[:40]!r})"


class Generator:
    """The same messages for the same seed (server ids apart)."""

    CC_COUNT = 2
    # What is left of a frame for the table, with room for every other property.
    MAX_TABLE = 120_000

    def __init__(self, seed, namespace, fresh):
        self.random = random.Random(seed)
        self.namespace = namespace
        self.fresh = fresh

    def messages(self, count):
        return [self.message() for _ in range(count)]

    def message(self):
        note, body, server_id = self.random.choice([self.broken_body, self.mutated_body, self.odd_body, self.good_body])()
        message = Message(note)
        message.body, message.server_id = body, server_id
        message.properties["delivery_mode"] = b"\2"
        message.properties["message_id"] = short(f"hostile-{self.token()}")
        self.route(message)
        for _ in range(self.random.choice([0, 1, 1, 2])):
            self.random.choice(self.ENVELOPES)(self, message)
        if self.random.random() < 0.5 and message.raw_table is None:
            message.headers.insert(0, text(self.random.choice(["x-api-key", "X-API-KEY"]), SECRET + self.token()))
        while sum(len(header.bytes) for header in message.headers) > self.MAX_TABLE:
            message.headers.pop()
        return message

    def token(self):
        return f"{self.random.getrandbits(96):024x}"

    # --- bodies: (note, bytes, server id where it may be applied); each is like no other

    def mark(self):
        return self.token().encode()

    def broken_body(self):
        mark, r = self.mark(), self.random
        deep = r.choice([33, 1000, 20_000])
        note, body = r.choice([
            ("broken UTF-8", b'{"serverId":5,"reason":"%s' % mark + r.choice([b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"]) + b'"}'),
            ("deep arrays", b'{"%s":' % mark + b"[" * deep + b"]" * deep + b"}"),
            ("deep objects", b'{"%s":' % mark + b'{"a":' * deep + b"1" + b"}" * deep + b"}"),
            ("never closed", mark + b"[" * deep),
            ("a name twice", b'{"serverId":5,"reason":"%s","\\u0073erverId":5}' % mark),
            ("a name thousands of times", b'{"a":"%s",' % mark + b'"serverId":5,' * 4000 + b'"serverId":5}'),
            ("NUL", b'{"serverId":5,"reason":"%s"}\0' % mark),
            ("only NULs", b"\0" * r.randrange(1, 5000) + mark),
            ("a lone surrogate", b'{"serverId":5,"reason":"%s\\udc00\\ud800"}' % mark),
            ("a byte order mark", b'\xef\xbb\xbf{"serverId":5,"reason":"%s"}' % mark),
            ("noise", mark + r.randbytes(r.randrange(1, 20_000))),
            ("no object", b'["%s"]' % mark),
        ])
        return note, body, None

    def odd_body(self):
        mark, r = self.mark(), self.random
        size = r.choice([65_537, 200_000, 1_048_577, 3_000_000] + [70_000] * 6)
        note, body = r.choice([
            ("a huge integer", b'{"serverId":%s,"reason":"%s"}' % (b"9" * r.choice([19, 400, 60_000]), mark)),
            ("a huge exponent", b'{"serverId":1e%s,"reason":"%s"}' % (b"9" * r.choice([3, 400]), mark)),
            ("wrong types", b'{"serverId":{"serverId":[]},"attempt":"1","reason":"%s"}' % mark),
            ("an unknown field", b'{"serverId":5,"%s":true}' % mark),
            ("thousands of fields", b'{"%s":0' % mark + b"".join(b',"k%d":%d' % (n, n) for n in range(4000)) + b"}"),
            ("a NUL in a text", b'{"serverId":5,"reason":"%s\\u0000"}' % mark),
            ("oversize", b'{"serverId":5,"reason":"%s' % mark + b"x" * size + b'"}'),
            ("nothing but white space", b" \n\t" * 100 + mark),
        ])
        return note, body, None

    def mutated_body(self):
        """A command for a server that is not there, with some bytes changed: whatever it is now, it is not applied."""
        r = self.random
        body = bytearray(json.dumps({
            "serverId": 2 ** 52 + r.randrange(2 ** 40), "clientId": 9, "subState": "reserved", "outcome": "restore",
            "operationUuid": str(uuid.UUID(int=r.getrandbits(128), version=4)), "reason": self.token()}).encode())
        for _ in range(r.randrange(1, 5)):
            place = r.randrange(len(body))
            change = r.randrange(4)
            if change == 0:
                body[place] = r.randrange(256)
            elif change == 1:
                del body[place:place + r.randrange(1, 6)]
            elif change == 2:
                body[place:place] = r.choice([b"\\u0000", b"{", b'"', b"\\", b"[[", b"1e9", b"\xff", b",", b'"serverId":1,'])
            else:
                body[place] ^= 1 << r.randrange(8)
        return "mutated", bytes(body), None

    def good_body(self):
        server_id = self.fresh()
        return "a good body", json.dumps(
            {"serverId": server_id, "locationId": 1, "instanceTypeId": 1, "reason": self.token()}).encode(), server_id

    # --- where to

    def route(self, message):
        r, ns = self.random, self.namespace
        command = "enroll" if message.server_id is not None else r.choice(COMMANDS)
        way = r.choice(["command"] * 6 + ["unknown key", "dead letters", "dead-letters queue", "command queue"])
        message.note += f", {way}"
        if way != "command":
            message.server_id = None  # not as a command, so never applied
        message.exchange, message.key = {
            "command": (f"{ns}.commands", command),
            "unknown key": (f"{ns}.commands", r.choice(["", "isolate.", "x" * 255, "*", "#", "alocate", "ISOLATE"])),
            "dead letters": (f"{ns}.dead-letters", r.choice(["isolate", "x" * 255, ""])),
            "dead-letters queue": ("", f"{ns}.dead-letters"),
            "command queue": ("", f"{ns}.commands.{command}"),
        }[way]

    # --- envelopes

    def hundreds(self, message):
        message.headers += [text(f"header-{n}", "x" * 100) for n in range(self.random.choice([100, 500]))]

    def full_frame(self, message):
        # 131,047 bytes is the largest table that fits a frame beside one flag word; the other properties make way for it.
        message.properties = {}
        self.alone(message, b"\7paddingS" + long(b"x" * (131_047 - 13)))

    def nested(self, message):
        depth = self.random.choice([65, 1000, 21_800])
        raw = b"".join(b"\0F" + struct.pack(">I", 6 * (depth - 1 - level)) for level in range(depth))
        self.alone(message, raw, cut=True)

    def many_values(self, message):
        # Each with a name of its own, or in a list: of several with one name RabbitMQ 4 hands on one.
        raw = self.random.choice([
            b"".join(short(struct.pack(">H", number)) + b"V" for number in range(MAX_VALUES + 1)),
            b"\4listA" + long(b"V" * self.random.choice([MAX_VALUES + 1, 120_000])),
            b"\5tableF" + long(b"\0V" * self.random.choice([MAX_VALUES + 1, 60_000]))])
        self.alone(message, raw, cut=True)

    def alone(self, message, raw, cut=False):
        """A table that leaves no room for others."""
        message.headers, message.raw_table, message.must_be_cut = [], raw, cut
        message.note += f", a table of {len(raw)} bytes"

    def types(self, message):
        message.headers += every_type()

    def odd_names(self, message):
        message.headers += [text("", "no name"), text("twice", "a"), text("twice", "b"), text("n" * 255, "long"),
                            text("nul\0", "\0")]

    def forged_death(self, message):
        ns, r = self.namespace, self.random
        queue = r.choice([f"{ns}.commands.isolate", f"{ns}.commands.{'y' * 300}", f"{ns}.commands.", "somebody.elses"])
        death = [text("queue", queue), text("reason", r.choice(["rejected", "delivery_limit", "x" * 5000, ""])),
                 Header("count", "l", struct.pack(">q", r.choice([1, -1, 2 ** 63 - 1])), "int64", None),
                 text("exchange", ns), array("routing-keys", [text("", "isolate")])]
        value = death[2].raw
        number = struct.unpack(">q", value)[0]
        death[2].value = number if abs(number) < 2 ** 53 else str(number)
        message.headers.append(r.choice([
            array("x-death", [table("", death)] * r.choice([1, 300])), text("x-death", "not even a list"),
            array("x-death", [text("", "a"), Header("", "V", b"", "void", None)]),
            array("x-death", [])]))
        message.note += ", forged x-death"

    def forged_reply(self, message):
        message.properties["reply_to"] = short(self.random.choice([
            f"{self.namespace}.commands.isolate", f"{self.namespace}.dead-letters", "nobody.is.here", "r" * 255,
            "amq.rabbitmq.reply-to.g1h2AAAA.forged==", b"\xff\xfe", ""]))
        message.properties["correlation_id"] = short(self.random.choice(["c" * 255, b"\xff", ""]))
        message.note += ", forged reply-to"

    def forged_replay(self, message):
        message.headers.append(self.random.choice([
            text("x-ostler-replay", f"{uuid.UUID(int=self.random.getrandbits(128))}/1"),
            text("x-ostler-replay", "\0/999999999999999999999"), text("x-ostler-replay", "x" * 5000),
            Header("x-ostler-replay", "V", b"", "void", None)]))
        message.note += ", forged x-ostler-replay"

    def content(self, message):
        message.properties["content_type"] = short(self.random.choice(
            ["text/plain", "application/json;" + "x" * 200, b"\xff", "", "application/json; charset=utf-16"]))
        message.properties["content_encoding"] = short(self.random.choice(["gzip", "\0", "", "identity"]))
        message.note += ", content type"

    def copies(self, message):
        """`CC` puts a copy into another queue, around topic permissions on 3.10: there it is misrouted."""
        if not message.exchange.endswith(".commands") or any(header.name == "CC" for header in message.headers):
            return
        if message.raw_table is not None or message.key not in COMMANDS + ["enroll"]:
            return
        others = self.random.sample([command for command in COMMANDS if command != message.key], self.CC_COUNT)
        message.headers.append(array("CC", [text("", other) for other in others]))
        message.note += ", CC"

    def odd_properties(self, message):
        for name in ("app_id", "type"):
            message.properties[name] = short(self.random.choice(["x" * 255, b"\xff\0", ""]))
        message.properties["priority"] = bytes([self.random.choice([0, 9, 255])])
        message.properties["timestamp"] = struct.pack(">Q", self.random.choice([0, 2 ** 63 - 1]))
        message.note += ", odd properties"

    def odd_key(self, message):
        message.properties["message_id"] = short(self.random.choice(
            [self.token() * 10, b"\xff" * 100 + self.mark(), self.token() + "\0"]))
        message.note += ", odd message-id"

    def trace(self, message):
        message.headers += [text("traceparent", "x" * 1000), text("tracestate", "\0")]

    def garbage(self, message):
        """A table that is none: the broker may refuse it, or hand it on."""
        self.alone(message, self.random.randbytes(self.random.randrange(1, 200)))

    ENVELOPES = [hundreds, full_frame, nested, many_values, types, odd_names, forged_death, forged_reply, forged_replay,
                 content, copies, odd_properties, odd_key, trace, garbage]


def decoded(row):
    return base64.b64decode(row["bodyBase64"])
