"""AMQP tables that no polite client would send, encoded by hand (AMQP 0-9-1, and RabbitMQ's field types)."""

import struct

import pika.data


class RawTable(bytes):
    """The bytes of a field table, its length not included. Give it to `pika.BasicProperties(headers=…)`."""

    def items(self):  # pika looks whether it may iterate
        return ()


_encode_table = pika.data.encode_table


def _encode_any_table(pieces, table):
    if isinstance(table, RawTable):
        pieces.append(struct.pack(">I", len(table)))
        pieces.append(bytes(table))
        return 4 + len(table)
    return _encode_table(pieces, table)


pika.data.encode_table = _encode_any_table


def field(name, kind, value):
    """One entry: short string name, one letter for the type, the value's bytes."""
    name = name.encode()
    return bytes([len(name)]) + name + kind.encode() + value


def long_string(value):
    return struct.pack(">I", len(value)) + value


def every_field_type():
    """A table with each type that RabbitMQ knows, one entry each."""
    table_inside = field("inner", "t", b"\x01")
    array_inside = b"t\x01" + b"I" + struct.pack(">i", -7)
    return RawTable(b"".join([
        field("boolean", "t", b"\x01"),
        field("int8", "b", struct.pack(">b", -8)),
        field("uint8", "B", struct.pack(">B", 200)),
        field("int16", "s", struct.pack(">h", -300)),
        field("uint16", "u", struct.pack(">H", 60000)),
        field("int32", "I", struct.pack(">i", -70000)),
        field("uint32", "i", struct.pack(">I", 4000000000)),
        field("int64", "l", struct.pack(">q", -(2 ** 40))),
        field("float", "f", struct.pack(">f", 1.5)),
        field("double", "d", struct.pack(">d", 2.25)),
        field("decimal", "D", struct.pack(">Bi", 2, 12345)),
        field("string", "S", long_string("text, é".encode())),
        field("bytes", "x", long_string(b"\x00\xff\x80")),
        field("array", "A", long_string(array_inside)),
        field("time", "T", struct.pack(">Q", 1_700_000_000)),
        field("table", "F", long_string(table_inside)),
        field("nothing", "V", b""),
    ]))


def nested_tables(depth):
    """`depth` tables, one inside the other, six bytes each."""
    prefixes = []
    for level in range(depth):
        prefixes.append(b"\x00F" + struct.pack(">I", 6 * (depth - 1 - level)))
    return RawTable(b"".join(prefixes))


def table_of(size):
    """A table of exactly `size` bytes: one long string."""
    overhead = len(field("padding", "S", long_string(b"")))
    return RawTable(field("padding", "S", long_string(b"x" * (size - overhead))))
