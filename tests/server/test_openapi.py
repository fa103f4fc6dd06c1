"""The OpenAPI description, and requests of all kinds that are made of it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from raw_http import exchange, head

#: What every answer must be: no error of the server's, a status and a body that are described.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
]


def test_the_paths_are_described(port: int) -> None:
    described = json.loads(exchange(port, head("/openapi.json", "GET")).body)
    assert {"/v1/audio/transcriptions", "/v1/models", "/health", "/metrics"} <= set(
        described["paths"]
    )
    (form,) = described["paths"]["/v1/audio/transcriptions"]["post"]["requestBody"][
        "content"
    ].values()
    assert {"file", "timestamp_granularities[]", "keywords[]", "stream"} <= set(
        form["schema"]["properties"]
    )


@pytest.mark.slow
def test_no_request_is_answered_by_an_error_of_the_servers(port: int, tmp_path: Path) -> None:
    program = "from schemathesis.cli import schemathesis; schemathesis()"
    options = ["--checks", ",".join(CHECKS), "--max-examples", "50", "--seed", "1"]
    done = subprocess.run(
        [sys.executable, "-c", program, "run", f"http://127.0.0.1:{port}/openapi.json", *options],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
