"""Words while they are spoken: samples in packets of any size, partial and final text out.

    packets -> blocks of one length -> log-mel -> running normalization -> chunks of the encoder
            -> a search that goes on from chunk to chunk -> endpoints -> events

Every step takes blocks of a fixed length, so that the events are the same to the last bit in
whatever packets the samples come. Public: `stream.Stream`, which
`asr.inference.recognizer.Recognizer.stream` opens, its events, and `endpoints.EndpointRules`.
"""

from asr.inference.streaming.endpoints import EndpointRule, EndpointRules
from asr.inference.streaming.stream import Event, Partial, Stream, StreamOptions

__all__ = ["EndpointRule", "EndpointRules", "Event", "Partial", "Stream", "StreamOptions"]
