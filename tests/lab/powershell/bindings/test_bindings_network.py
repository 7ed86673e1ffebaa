"""Web requests and sockets reach real endpoints on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agent.lab.world.machine import Machine

GET = "[Net.WebRequest]::Create('http://ex02.lab.example/Microsoft-Server-ActiveSync')"


class _Answer(BaseHTTPRequestHandler):
    def do_OPTIONS(self) -> None:
        status = self.server.status  # type: ignore[attr-defined] # set by the fixture
        body = b"The page must be viewed over a secure channel"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("MS-Server-ActiveSync", "6.5.7638.1")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(machine: Machine) -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), _Answer)
    made.status = 200  # type: ignore[attr-defined] # read by the handler
    thread = threading.Thread(target=made.serve_forever, args=(0.01,))
    thread.start()
    machine.network.register("192.0.2.2", "EX02", "ex02.lab.example")
    machine.network.publish("ex02.lab.example", 80, ("127.0.0.1", made.server_address[1]))
    yield made
    made.shutdown()
    thread.join(10)
    made.server_close()


def test_an_answer_has_status_and_headers(session, server: ThreadingHTTPServer) -> None:
    script = f"""
    $request = {GET}
    $request.Method = 'OPTIONS'
    $response = $request.GetResponse()
    [int]$response.StatusCode
    $response.Headers['MS-Server-ActiveSync']
    $response.Close()
    """

    assert session.all(script) == [200, "6.5.7638.1"]


def test_a_403_is_a_web_exception_with_its_response(session, server: ThreadingHTTPServer) -> None:
    server.status = 403  # type: ignore[attr-defined] # read by the handler
    script = f"""
    $request = {GET}
    $request.Method = 'OPTIONS'
    try {{ $request.GetResponse() }}
    catch [System.Net.WebException] {{
        $_.Exception.Message
        [int]$_.Exception.Response.StatusCode
        $body = $_.Exception.Response.GetResponseStream()
        $reader = New-Object -TypeName 'IO.StreamReader' -ArgumentList $body
        $reader.ReadToEnd()
    }}
    """
    message, status, body = session.all(script)

    assert "The remote server returned an error: (403) Forbidden." in message
    assert status == 403
    assert "secure channel" in body


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        ("http://ex99.lab.example/", "The remote name could not be resolved: 'ex99.lab.example'"),
        ("http://localhost:8099/", "Unable to connect to the remote server"),
    ],
)
def test_each_failure_has_its_own_words(session, uri: str, text: str) -> None:
    assert text in session.run(f"([Net.WebRequest]::Create('{uri}')).GetResponse()").error.message


def test_a_blocked_port_times_out(session, machine: Machine, server: ThreadingHTTPServer) -> None:
    machine.network.block("ex02.lab.example", 80)
    script = f"$request = {GET}; $request.Timeout = 5000; $request.GetResponse()"

    assert "The operation has timed out" in session.run(script).error.message


def test_a_tcp_client_connects_or_is_refused(session, server: ThreadingHTTPServer) -> None:
    script = """
    $client = New-Object -TypeName 'Net.Sockets.TcpClient'
    $client.Connect('ex02.lab.example', 80)
    $client.Connected
    $client.Close()
    try { $client.Connect('ex02.lab.example', 81) } catch [System.Net.Sockets.SocketException] { 'refused' }
    """

    assert session.all(script) == [True, "refused"]


def test_names_resolve_as_the_fleet_has_them(session) -> None:
    assert session.get("[Net.Dns]::GetHostEntry('').HostName") == "ex01.lab.example"
    assert "No such host is known" in session.run("[Net.Dns]::GetHostEntry('nope')").error.message
