"""Documents that cannot rot: links lead somewhere, rooms say what they are, problems are told in both languages."""

from __future__ import annotations

import importlib.util
import re
import string
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from gateway.fhir.problem_table import TABLE

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r'Problem\(\s*"([A-Z]+-\d{3})"')
ONE_LANGUAGE = {"zh", "en", "human", "what", "what_en"}
ROOMS = [path for top in ("gateway", "security") for path in sorted((ROOT / top).iterdir()) if path.is_dir()]


def _tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE: dict[str, str] = _tool("build_reference").pages()


def _tracked(pattern: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", pattern], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).exists()]


PAGES = _tracked("*.md")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("room", [r for r in ROOMS if not r.name.startswith("_")], ids=lambda path: path.name)
def test_every_room_says_what_it_is(room: Path) -> None:
    page = room / "README.md"

    assert page.exists()
    assert page.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("code", TABLE)
def test_a_problem_is_told_in_both_languages_with_the_same_details(code: str) -> None:
    row = TABLE[code]
    zh, en = ({name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (row.zh, row.en))

    assert row.zh != row.en
    assert re.search(r"[\u4e00-\u9fff]", row.zh) or "zh" in zh
    # A name that ends in the language holds the text itself, once a language.
    assert zh - ONE_LANGUAGE == en - ONE_LANGUAGE


def test_every_problem_that_is_raised_stands_in_the_table() -> None:
    raised = {code for path in _tracked("*.py") for code in CODE.findall(path.read_text(encoding="utf-8"))}

    assert sorted(raised - TABLE.keys() - {"ZZZ-999"}) == []


def test_no_page_names_a_machine_path() -> None:
    pages = [*PAGES, *_tracked("*.yaml"), *_tracked("*.toml")]

    hits = {
        str(page): re.findall(r"(?<![\w.])/(?:root|home|work)/\w+", page.read_text(encoding="utf-8")) for page in pages
    }

    assert {page: found for page, found in hits.items() if found} == {}


@pytest.mark.parametrize("name", REFERENCE)
def test_a_page_of_the_reference_says_what_the_code_says(name: str) -> None:
    page = ROOT / "docs" / "reference" / name

    assert page.read_text(encoding="utf-8") == REFERENCE[name], "run tools/build_reference.py"


def test_the_reference_holds_no_page_that_nothing_generates() -> None:
    assert sorted(path.name for path in (ROOT / "docs" / "reference").iterdir()) == sorted(REFERENCE)


def _shape(page: Path) -> tuple[list[int], list[str], list[str], int]:
    """Return levels of the headings, code blocks, links out, and rows of the tables of ``page``."""
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    levels = [len(marks) for marks in re.findall(r"^(#+) ", prose, flags=re.MULTILINE)]
    blocks = [re.sub(r"\s*#.*", "", block) for block in re.findall(r"```.*?```", text, flags=re.DOTALL)]
    return (
        levels,
        blocks,
        sorted(link for link in LINK.findall(prose) if not link.startswith("README")),
        len(re.findall(r"^\|", prose, flags=re.MULTILINE)),
    )


def test_the_chinese_readme_says_as_much_as_the_english_one() -> None:
    assert _shape(ROOT / "README.zh-CN.md") == _shape(ROOT / "README.md")


GLOSSARY = re.findall(r"^\| ([a-z-]+) \|", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("word", GLOSSARY)
def test_a_word_of_the_glossary_is_used_in_the_code(word: str) -> None:
    spelled = re.compile(rf"(?i)\b{word.replace('-', '[-_ ]?')}|_{word}")
    code = [path for top in ("gateway", "security") for path in (ROOT / top).rglob("*.py")]

    assert any(spelled.search(path.read_text(encoding="utf-8")) for path in code)


@pytest.mark.parametrize("flow", ["discharge-in", "care-plan-out", "consent", "audit-entry"])
def test_a_flow_tells_its_steps_and_what_a_power_cut_does(flow: str) -> None:
    text = (ROOT / "docs" / "flows" / f"{flow}.md").read_text(encoding="utf-8")

    assert len(re.findall(r"^\d+\. \*\*", text, flags=re.MULTILINE)) >= 6
    assert "ower fails" in text or "power cut" in text
