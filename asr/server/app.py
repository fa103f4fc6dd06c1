"""The application: routes of all protocols that run over HTTP, and the page."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI, WebSocket
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from asr import __version__
from asr.server import openai_api, vosk
from asr.server.errors import RefusedError, answer
from asr.server.service import Service
from asr.util.errors import UserError

PAGE = Path(__file__).parent / "page"


def make_app(service: Service) -> FastAPI:
    """Make the application of a service."""
    app = FastAPI(title="asr serve", version=__version__, docs_url=None, redoc_url=None)
    app.include_router(openai_api.make_router(service))

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """Tell that the server works."""
        return {"status": "ok", "model": service.name}

    @app.websocket("/")
    async def socket(client: WebSocket) -> None:
        await vosk.serve(client, service)

    @app.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    app.mount("/page", StaticFiles(directory=PAGE), name="page")
    for kind in (RefusedError, UserError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)
    return app
