"""What a node can reach of the others."""

from __future__ import annotations

import socket
import subprocess

import pytest

from labgen.core.errors import NodeError
from labgen.docker.reachability import OPEN, REFUSED, SILENT, Failure, blamed, heard, heard_script, read, script
from tests import needs

ANSWER = """\
tcp 10.0.2.101 7946 open
tcp 10.0.2.102 7946 silent
tcp 10.0.2.101 2377 refused
overlay 10.0.2.101 - open
overlay 10.0.2.102 - silent
done
"""


def test_read_takes_the_end_that_answers_of_a_node_that_was_made_again() -> None:
    for lines in (["open", "silent"], ["silent", "open"]):
        text = "".join(f"overlay 10.0.2.103 - {outcome}\n" for outcome in lines)
        assert read(f"{text}done\n").overlay == {"10.0.2.103": True}


def test_read_tells_what_came_of_each_port() -> None:
    attempts = read(ANSWER)
    assert attempts.tcp == {
        ("10.0.2.101", 7946): OPEN,
        ("10.0.2.102", 7946): SILENT,
        ("10.0.2.101", 2377): REFUSED,
    }
    assert attempts.overlay == {"10.0.2.101": True, "10.0.2.102": False}


@pytest.mark.parametrize("text", ["", ANSWER.replace("done", "do")])
def test_read_refuses_an_answer_that_is_cut_short(text: str) -> None:
    with pytest.raises(NodeError, match="is incomplete"):
        read(text)


def test_read_ignores_what_is_none_of_its_lines() -> None:
    assert read("tcp x y open\noverlay a b c d\ntcp 10.0.2.101 7946 perhaps\ndone\n").tcp == {}


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_script_connects_from_where_it_is_run(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that listens is open, another is refused; the ports of a swarm stand for ports that are free here."""
    needs.linux("a shell script of nodes")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            monkeypatch.setattr("labgen.docker.reachability.GOSSIP", port)
            monkeypatch.setattr("labgen.docker.reachability.MANAGEMENT", bound.getsockname()[1])
            text = script(["127.0.0.1"], ["127.0.0.1"], 1.0)
            result = subprocess.run([shell, "-c", text], capture_output=True, text=True, timeout=30, check=True)
            assert read(result.stdout).tcp == {
                ("127.0.0.1", port): OPEN,
                ("127.0.0.1", bound.getsockname()[1]): REFUSED,
            }


def test_heard_tells_the_senders() -> None:
    assert heard("from=10.0.2.101\nfrom=10.0.2.103\nkept\n") == {"10.0.2.101", "10.0.2.103"}
    assert heard("kept\n") == frozenset()


def test_heard_says_nothing_where_no_journal_is_kept() -> None:
    with pytest.raises(NodeError, match="journal is empty"):
        heard("from=10.0.2.101\n")


def test_heard_script_reads_senders_out_of_the_engines_lines(tmp_path: object) -> None:
    needs.linux("a shell script of nodes")
    line = 'level=warning msg="memberlist: Decrypt packet failed: Unsupported encryption version 108 from=10.0.2.102:35'
    stream_error = 'level=warning msg="memberlist: failed to receive: EOF from=10.0.2.103:40122"'
    journal = f"journalctl() {{ printf '%s\\n' {line!r} {stream_error!r}; }}\n"
    result = subprocess.run(["sh", "-c", journal + heard_script(5)], capture_output=True, text=True, check=True)
    # What came over a TCP connection was no datagram.
    assert heard(result.stdout) == {"10.0.2.102"}


def test_blamed_is_the_node_that_fails_with_most_others() -> None:
    failures = [Failure("m", "w2", SILENT), Failure("w1", "w2", SILENT)]
    assert blamed("w2", failures) == failures
    assert blamed("m", failures) == blamed("w1", failures) == []


def test_blamed_is_a_node_that_reaches_nobody() -> None:
    failures = [Failure("w2", "m"), Failure("w2", "w1")]
    assert blamed("w2", failures) == failures
    assert blamed("m", failures) == []


def test_blamed_are_both_where_only_one_way_is_shut() -> None:
    failures = [Failure("w1", "w2", SILENT)]
    assert blamed("w1", failures) == blamed("w2", failures) == failures
    assert blamed("m", failures) == []
    assert str(failures[0]) == "w1 does not reach w2 (no answer)"
