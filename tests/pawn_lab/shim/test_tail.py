"""The end of a metrics stream, read as it grows."""

from pawn_lab.shim.tail import Tail


def test_whole_lines_are_read_once_and_a_torn_one_when_it_is_whole(tmp_path):
    tail = Tail(tmp_path / "m")
    assert tail.records() == []
    (tmp_path / "m").write_bytes(b'{"step": 1}\n{"st')
    assert tail.records() == [{"step": 1}]
    (tmp_path / "m").write_bytes(b'{"step": 1}\n{"step": 2}\n')
    assert [tail.records(), tail.records()] == [[{"step": 2}], []]


def test_strange_and_endless_lines_are_passed_over(tmp_path):
    tail = Tail(tmp_path / "m")
    (tmp_path / "m").write_bytes(b'[1]\n\xff\n{"step": 1}\n')
    assert tail.records() == [{"step": 1}]
    long = Tail(tmp_path / "n")
    (tmp_path / "n").write_bytes(b"x" * (3 << 20) + b'\n{"step": 2}\n')
    assert [long.records() for _ in range(4)] == [[], [], [], [{"step": 2}]]
