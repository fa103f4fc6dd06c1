"""The application: routes of all protocols that run over HTTP, and the page."""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response, WebSocket
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from asr import __version__
from asr.server import openai_api, vosk
from asr.server.errors import RefusedError, answer
from asr.server.gate import Gate
from asr.server.metrics import CONTENT_TYPE
from asr.server.page_files import PageFiles
from asr.server.service import Service
from asr.util.errors import UserError


def make_app(service: Service) -> ASGIApp:
    """Make the application of a service."""
    app = FastAPI(title="asr serve", version=__version__, docs_url=None, redoc_url=None)
    files = PageFiles()
    app.include_router(openai_api.make_router(service))

    @app.head("/health", include_in_schema=False)
    @app.get("/health")
    async def health() -> dict[str, Any]:
        """Tell that the server works."""
        return {"status": "ok", "model": service.name}

    @app.get("/metrics", response_class=Response)
    async def metrics() -> Response:
        """Give numbers to Prometheus."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    @app.websocket("/")
    async def socket(client: WebSocket) -> None:
        await vosk.serve(client, service)

    @app.head("/", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def page(request: Request) -> Response:
        return await files.get_response("index.html", request.scope)

    app.mount("/page", files, name="page")
    for kind in (RefusedError, UserError, HTTPException, ClientDisconnect, Exception):
        app.add_exception_handler(kind, answer)
    gate = Gate(app, service.options, service.places, service.metrics)
    return _with_cors(gate, service.options.origins)


def _with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """Let scripts of named pages read the answers."""
    if not origins:
        return app
    return CORSMiddleware(
        app, allow_origins=origins, allow_methods=["GET", "POST"], allow_headers=["*"]
    )
