"""OpenAI's REST: `POST /v1/audio/transcriptions` and `GET /v1/models`."""

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, aclosing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from starlette.requests import ClientDisconnect

from asr.server.errors import RefusedError, as_refusal
from asr.server.notes import notes_of
from asr.server.openai_answers import dump_json, respond, usage
from asr.server.openai_form import TranscriptionForm, read_form
from asr.server.openai_schema import TRANSCRIPTION_FORM, TRANSCRIPTION_RESPONSES, errors
from asr.server.service import Service
from asr.server.transcription import Transcription, file_source
from asr.server.uploads import stored
from asr.transcript import Segment, Transcript
from asr.util.errors import UserError
from asr.util.printable import printable

Result = TypeVar("Result")

#: Fields of a form, and characters of each.
_MOST_FIELDS, _LONGEST_FIELD = 1000, 1 << 16


def make_router(service: Service) -> APIRouter:
    """Make the routes for a service."""
    router = APIRouter(prefix="/v1")

    @router.get("/models", responses=errors(401, 403))
    async def models() -> dict[str, Any]:
        """List the one model of this server."""
        return {"object": "list", "data": [_model(service)]}

    @router.get("/models/{name:path}", responses=errors(401, 403, 404))
    async def model(name: str) -> dict[str, Any]:
        """Describe the model."""
        if name != service.name:
            message = f"model: this server has {service.name} alone"
            raise RefusedError(404, message, param="model", code="model_not_found")
        return _model(service)

    @router.post(
        "/audio/transcriptions",
        response_class=Response,
        responses=TRANSCRIPTION_RESPONSES,
        openapi_extra=TRANSCRIPTION_FORM,
    )
    async def transcribe(request: Request) -> Response:
        """Transcribe a recording."""
        return await _transcribe(request, service)

    return router


def _model(service: Service) -> dict[str, Any]:
    return {"id": service.name, "object": "model", "created": 0, "owned_by": "asr"}


async def _transcribe(request: Request, service: Service) -> Response:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise RefusedError(400, "send the recording as a form, as multipart/form-data")
    uploaded = request.form(max_files=1, max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD)
    async with AsyncExitStack() as stack:
        async with uploaded as fields:
            form = read_form(fields, service.name)
            try:
                await service.check_hotwords(form.keywords)
            except UserError as error:
                raise RefusedError(400, str(error), param="keywords") from error
            path = await stack.enter_async_context(stored(form.file))
        notes = stack.enter_context(notes_of(path))
        transcription = service.transcribe(file_source(path), form.keywords)
        if not form.stream:
            with _named(path, form):
                transcript = await _finish(transcription, request, service)
                return respond(transcript, form, service.options.language, notes)
        segments = await stack.enter_async_context(aclosing(transcription.__aiter__()))
        with _named(path, form):  # what cannot be read is told before the stream begins
            first = await _unless_gone(_next(segments), request)
        events = _events(first, segments, transcription, service, stack.pop_all())
        return StreamingResponse(events, media_type="text/event-stream")


async def _finish(transcription: Transcription, request: Request, service: Service) -> Transcript:
    """Transcribe a recording, unless the client leaves."""
    started_s = time.monotonic()
    transcript = await _unless_gone(transcription.finish(), request)
    service.metrics.audio("openai", transcript.duration_s)
    if transcript.duration_s:
        passed_s = time.monotonic() - started_s
        service.metrics.real_time_factor(passed_s / transcript.duration_s)
    return transcript


async def _next(segments: AsyncIterator[Segment]) -> Segment | None:
    return await anext(segments, None)


async def _unless_gone(work: Coroutine[Any, Any, Result], request: Request) -> Result:
    """Await work, unless the client leaves; then it is canceled, and has ended."""
    task, gone = asyncio.create_task(work), asyncio.create_task(_disconnect(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return await task
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.wait((task, gone))


async def _disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


@contextmanager
def _named(path: Path, form: TranscriptionForm) -> Iterator[None]:
    """Have errors name the recording as the client did, not the file that we keep it in."""
    try:
        yield
    except UserError as error:
        name = printable(form.file.filename or "file")
        message = str(error).replace(str(path), name)
        raise RefusedError(400, message, param="file") from error


async def _events(
    first: Segment | None,
    segments: AsyncIterator[Segment],
    transcription: Transcription,
    service: Service,
    stack: AsyncExitStack,
) -> AsyncIterator[str]:
    """Send the text of each segment when it is done, and all of it at the end."""
    async with stack:
        try:
            if first is not None:
                yield _event(type="transcript.text.delta", delta=first.text)
            async for segment in segments:
                yield _event(type="transcript.text.delta", delta=f" {segment.text}")
        except Exception as error:
            yield _event(**as_refusal(error).body())
            return
        whole = transcription.transcript()
        service.metrics.audio("openai", whole.duration_s)
        yield _event(type="transcript.text.done", text=whole.text, usage=usage(whole))


def _event(**data: Any) -> str:
    return f"data: {dump_json(data)}\n\n"
