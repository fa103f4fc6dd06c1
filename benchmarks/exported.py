"""An exported model in sherpa-onnx, beside the toolkit's own engine: size, same texts, and speed.

Each engine recognizes the recordings of a manifest greedily on one thread, one recording at a time.
The engines are the toolkit, the Python package sherpa-onnx and, where a folder with its
node_modules is given, the npm package sherpa-onnx in WebAssembly.
"""

import argparse
import importlib.metadata
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import soundfile

import asr
from asr.audio import Waveform
from asr.data.manifests import load_waveform, read_cuts
from asr.model.model_file import export_model, read_model
from asr.onnx.export import export_onnx
from asr.onnx.waveform_network import SHERPA_RATE

NODE = Path(__file__).with_name("exported_node.js").resolve()


class Run(NamedTuple):
    """What an engine wrote, and the CPU seconds that recognizing took, without the start."""

    texts: list[str]
    cpu_s: float


def main() -> None:
    """Print a line for each engine and number of bits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="runs/an4/default/1", help="of characters or subwords")
    parser.add_argument("--manifest", default="data/an4-cuts/test.jsonl.gz")
    parser.add_argument("--node", type=Path, help="a folder where `npm install sherpa-onnx` ran")
    args = parser.parse_args()
    cuts = list(read_cuts(args.manifest))
    waveforms = [load_waveform(cut, SHERPA_RATE) for cut in cuts]
    seconds = sum(map(len, waveforms)) / SHERPA_RATE
    print(f"{len(cuts)} recordings, {seconds:.0f} s")
    print("engine           bits  model MB  engine MB  same texts  CPU s  times real time")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_recordings(waveforms, folder)
        for bits in (8, 32):
            file = folder / f"{bits}.safetensors"
            export_model([args.model], file, bits)
            exported = export_onnx(read_model(file), folder / f"sherpa-{bits}", "sherpa-onnx", bits)
            own = run_toolkit(file, waveforms)
            rows = [("toolkit", file, None, own)]
            rows += [("sherpa-onnx", exported, installed_mb(), run_python(exported, waveforms))]
            if args.node:
                package = args.node / "node_modules" / "sherpa-onnx"
                node = run_node(exported, paths, args.node)
                rows += [("sherpa-onnx, npm", exported, folder_mb(package), node)]
            for engine, model, engine_mb, run in rows:
                same = sum(a == b for a, b in zip(run.texts, own.texts, strict=True))
                size = "" if engine_mb is None else f"{engine_mb:.1f}"
                print(
                    f"{engine:16} {bits:4}  {model.stat().st_size / 1e6:8.1f}  {size:>9}  "
                    f"{same:6} of {len(cuts):3}  {run.cpu_s:5.2f}  {seconds / run.cpu_s:15.0f}"
                )


def write_recordings(waveforms: Sequence[Waveform], folder: Path) -> list[Path]:
    """Write waveforms as wav files of 16 bits, which all of them come from."""
    paths = []
    for number, waveform in enumerate(waveforms):
        paths.append(folder / f"{number}.wav")
        soundfile.write(paths[-1], waveform, SHERPA_RATE, subtype="PCM_16")
    return paths


def timed(recognize: Callable[[Waveform], str], waveforms: Sequence[Waveform]) -> Run:
    """Recognize a first recording without, then all with the clock running."""
    recognize(waveforms[0])
    start = time.process_time()
    texts = [recognize(waveform) for waveform in waveforms]
    return Run(texts, time.process_time() - start)


def run_toolkit(file: Path, waveforms: Sequence[Waveform]) -> Run:
    """Recognize by this toolkit."""
    recognizer = asr.load(file, asr.DecodingOptions())
    return timed(
        lambda waveform: recognizer.transcribe(waveform, sample_rate=SHERPA_RATE).text, waveforms
    )


def run_python(model: Path, waveforms: Sequence[Waveform]) -> Run:
    """Recognize by the Python package sherpa-onnx."""
    import sherpa_onnx

    recognizer = sherpa_onnx.OfflineRecognizer.from_omnilingual_asr_ctc(
        str(model), str(model.with_name("tokens.txt")), num_threads=1
    )

    def recognize(waveform: Waveform) -> str:
        stream = recognizer.create_stream()
        stream.accept_waveform(SHERPA_RATE, waveform)
        recognizer.decode_stream(stream)
        return " ".join(stream.result.text.split())

    return timed(recognize, waveforms)


def run_node(model: Path, paths: Sequence[Path], folder: Path) -> Run:
    """Recognize by the npm package sherpa-onnx, installed in a folder."""
    done = subprocess.run(
        ["node", NODE, model.parent],
        input="\n".join(map(str, paths)), capture_output=True, text=True, check=True, cwd=folder,
    )  # fmt: skip
    *texts, spent = done.stdout.rstrip("\n").split("\n")
    return Run(texts, float(spent))


def installed_mb() -> float:
    """Sum the sizes of the files that the Python package brought."""
    files = [
        Path(str(file.locate()))
        for package in ("sherpa-onnx", "sherpa-onnx-core")
        for file in importlib.metadata.files(package) or ()
    ]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def folder_mb(folder: Path) -> float:
    """Sum the sizes of a folder's files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    main()
