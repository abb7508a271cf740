"""What every room's tests may ask for: a database of their own, and the rule for components that are missing here."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from gateway.store.postgres.embedded import EmbeddedServer
from gateway.store.postgres.embedded_binaries import installations, reachable_by
from gateway.store.postgres.migrate import upgrade
from tests.budget import ALL, CI
from tests.databases import created, name_of, standing_database

# A crash of the test machine may lose the test data: 3 times as many small commits a second.
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "256MB"}

_TOLD = "told"


def pytest_configure(config: pytest.Config) -> None:
    """Choose how much the property tests try, before any of their modules is imported.

    CI repeats the same examples, so a red test is red again; a run of everything draws new ones.
    """
    settings.register_profile(CI, derandomize=True, deadline=None, database=None)
    settings.register_profile(ALL, deadline=None, print_blob=True)
    settings.load_profile(CI if "not slow" in config.option.markexpr else ALL)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Give a way to put a line (counts, seeds) below the summary of the run, from any process of xdist."""
    return lambda line: record_property(_TOLD, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests told, in the order of the names of their files."""
    reports = [report for kept in terminalreporter.stats.values() for report in kept]
    lines = {
        (report.nodeid, line): line
        for report in reports
        if isinstance(report, pytest.TestReport)
        for name, line in report.user_properties
        if name == _TOLD
    }
    if lines:
        terminalreporter.section("counts and seeds")
    for key in sorted(lines):
        terminalreporter.write_line(lines[key])


@pytest.fixture(scope="session")
def pg_dsn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the DSN of one PostgreSQL for the whole session: YIYANG_TEST_DATABASE_URL, else a server of our own."""
    if url := os.environ.get("YIYANG_TEST_DATABASE_URL"):
        yield url
        return
    with EmbeddedServer.start(tmp_path_factory.mktemp("pg") / "data", settings=_FAST) as server:
        yield server.dsn


@pytest.fixture(scope="session")
def pg_template(pg_dsn: str) -> str:
    """Give the name of a database with all migrations applied, to be copied."""
    made = asyncio.run(created(pg_dsn, "yiyang_template"))
    asyncio.run(upgrade(made))
    return name_of(made)


@pytest.fixture
def database(pg_dsn: str, pg_template: str) -> Iterator[str]:
    """Give the DSN of a fresh, migrated, empty database; it is gone after the test."""
    with standing_database(pg_dsn, "test", pg_template) as made:
        yield made


def _has_system_postgres() -> bool:
    return any(not found.from_wheel for found in installations())


def _has_wheel_postgres() -> bool:
    return any(found.from_wheel for found in installations())


def _has_python_for_all() -> bool:
    # A Python every account can start; the environment's own may stand below /root.
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    here = Path(sys.executable).resolve()
    return reachable_by(here, 65534, 65534) or shutil.which(name, path="/usr/bin:/usr/local/bin") is not None


def _has_history() -> bool:
    # The commit whose schema ends at 0003; a shallow clone lacks it.
    commit = "722dbdf5f0551af6824aeeeb0e69daefd396b50f^{commit}"
    return subprocess.run(["git", "cat-file", "-e", commit], capture_output=True, check=False).returncode == 0


_PROBES: dict[str, Callable[[], bool]] = {
    "postgres": _has_system_postgres,
    "wheel": _has_wheel_postgres,
    "root": lambda: os.geteuid() == 0,
    "python-for-all": _has_python_for_all,
    "history": _has_history,
    "docker-compose": lambda: shutil.which("docker-compose") is not None,
    "systemd": lambda: shutil.which("systemd-analyze") is not None,
    "nginx": lambda: shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin") is not None,
    "node": lambda: shutil.which("node") is not None,
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose component is missing; fail it instead when YIYANG_REQUIRE names the component."""
    for marker in item.iter_markers("needs"):
        component = marker.args[0]
        if _PROBES[component]():
            continue
        if component in os.environ.get("YIYANG_REQUIRE", "").replace(",", " ").split():
            pytest.fail(f"{component} is missing, and YIYANG_REQUIRE names it", pytrace=False)
        pytest.skip(f"not run: {component} is missing here")
