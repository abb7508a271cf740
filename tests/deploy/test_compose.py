"""docker-compose.yml, Dockerfile, proxy and unit: what they promise, read from the files; no engine is needed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
UNIT = ROOT / "deploy/yiyang.service"
NGINX = ROOT / "deploy/nginx/nginx.conf"
Doc = dict[str, Any]
NAMES = ("postgres", "prepare", "gateway", "proxy")


def _compose() -> Doc:
    found: Doc = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return found


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the files of a deployment, and nothing made yet."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("secrets", "__pycache__"))
    shutil.copy(COMPOSE, tmp_path)
    return tmp_path


def _init(checkout: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(checkout / "deploy/compose-init"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _config(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = ["docker-compose", "config"]
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(checkout)}
    return subprocess.run(command, cwd=checkout, env=env, capture_output=True, text=True, check=False)


def test_only_the_proxy_publishes_a_port() -> None:
    services = _compose()["services"]

    assert {*services} == {*NAMES}
    assert {name: service["ports"] for name, service in services.items() if "ports" in service} == {
        "proxy": ["443:8443"]
    }
    assert [name for name, service in services.items() if "network_mode" in service or "privileged" in service] == []


def test_the_database_stands_on_a_network_that_leads_nowhere_and_the_proxy_cannot_reach_it() -> None:
    compose = _compose()
    on = {name: set(service["networks"]) for name, service in compose["services"].items()}

    assert compose["networks"]["inner"] == {"internal": True}
    assert (on["postgres"], on["proxy"], on["gateway"]) == ({"inner"}, {"edge"}, {"inner", "edge"})


@pytest.mark.parametrize("name", NAMES)
def test_every_service_is_confined(name: str) -> None:
    service = _compose()["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service["user"].startswith(("0", "root"))
    assert {"mem_limit", "cpus", "pids_limit"} <= set(service)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "prepare"])
def test_every_lasting_service_tells_its_health_and_comes_back(name: str) -> None:
    service = _compose()["services"][name]

    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["restart"] == "unless-stopped"


def test_each_waits_for_what_it_stands_on() -> None:
    services = _compose()["services"]
    waits = {
        name: {on: how["condition"] for on, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }

    assert waits == {
        "postgres": {},
        "prepare": {"postgres": "service_healthy"},
        "gateway": {"postgres": "service_healthy", "prepare": "service_completed_successfully"},
        "proxy": {"gateway": "service_healthy"},
    }


def test_no_secret_stands_in_the_file_and_none_has_a_default() -> None:
    compose, text = _compose(), COMPOSE.read_text(encoding="utf-8")

    assert all(secret["file"].startswith("deploy/secrets/") for secret in compose["secrets"].values())
    environment = {k: v for service in compose["services"].values() for k, v in service.get("environment", {}).items()}
    secret = {name: value for name, value in environment.items() if re.search("PASSWORD|DATABASE_URL|KEY|TOKEN", name)}
    assert all(name.endswith("_FILE") and value.startswith("/run/secrets/") for name, value in secret.items())
    assert {"POSTGRES_PASSWORD_FILE", "YIYANG_DATABASE_URL_FILE"} == set(secret)
    assert not re.search(r"postgres(ql)?://\S+:\S+@", text)
    assert "POSTGRES_HOST_AUTH_METHOD" not in text


def test_images_have_an_exact_version() -> None:
    images = [service["image"] for service in _compose()["services"].values() if "build" not in service]
    images += re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)

    assert len(images) == 3
    assert [
        image for image in images if not re.search(r":\d+\.\d+(\.\d+)?-[a-z-]+$|@sha256:[0-9a-f]{64}$", image)
    ] == []


def test_every_setting_in_the_file_is_one_that_the_gateway_knows() -> None:
    from gateway.config import SETTINGS

    known = {setting.name for setting in SETTINGS}
    texts = [path.read_text(encoding="utf-8") for path in (COMPOSE, UNIT, ROOT / "Dockerfile")]
    used = {name.removesuffix("_FILE") for text in texts for name in re.findall(r"\bYIYANG_[A-Z_]+[A-Z]", text)}

    assert used - known == {"YIYANG_TAG"}


@pytest.mark.needs("docker-compose")
def test_docker_compose_reads_it_once_the_secrets_are_made_and_refuses_before(checkout: Path) -> None:
    before = _config(checkout)
    made = _init(checkout, "hub.example.org")
    after = _config(checkout)

    assert before.returncode != 0
    assert "compose-init" in before.stderr
    assert made.returncode == 0, made.stderr
    assert after.returncode == 0, after.stderr
    assert yaml.safe_load(after.stdout)["services"]["gateway"]["environment"]["YIYANG_PUBLIC_URL"] == (
        "https://hub.example.org"
    )


def test_what_compose_init_makes_is_random_private_and_never_overwritten(checkout: Path, tmp_path: Path) -> None:
    first = _init(checkout, "hub.example.org:8443")
    secrets = checkout / "deploy/secrets"
    made = {path.name: path.read_bytes() for path in secrets.iterdir()}
    second = _init(checkout, "other.example.org")

    assert (first.returncode, second.returncode) == (0, 0)
    assert set(made) == {"postgres_password", "database_url", "tls.crt", "tls.key"}
    assert secrets.stat().st_mode & 0o777 == 0o700
    assert len(made["postgres_password"]) >= 40
    assert made["postgres_password"] in made["database_url"]
    assert {path.name: path.read_bytes() for path in secrets.iterdir()} == made
    assert "YIYANG_PUBLIC_URL=https://hub.example.org:8443" in (checkout / ".env").read_text(encoding="utf-8")
    assert made["postgres_password"].decode() not in first.stdout + first.stderr


@pytest.mark.parametrize("words", [(), ("a b",), ("host;x",), ("-x",), ("host:port",), ("a", "b")], ids=str)
def test_compose_init_refuses_what_is_no_host(checkout: Path, words: tuple[str, ...]) -> None:
    assert _init(checkout, *words).returncode == 2
    assert not (checkout / ".env").exists()


def test_what_compose_init_makes_is_never_committed_or_built_into_an_image() -> None:
    asked = ["deploy/secrets/tls.key", "deploy/secrets/postgres_password", ".env"]
    ignored = subprocess.run(["git", "check-ignore", *asked], cwd=ROOT, capture_output=True, text=True, check=False)
    first, *rest = [
        line
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]

    assert ignored.stdout.split() == asked
    assert first == "*"
    assert not any("secrets" in line or ".env" in line for line in rest if line.startswith("!"))


def test_the_image_runs_without_rights_and_asks_its_own_health() -> None:
    final = DOCKERFILE.split("FROM ")[-1]

    assert re.search(r"^USER 65532:65532$", final, re.MULTILINE)
    assert "HEALTHCHECK" in final
    assert '["yiyang", "doctor", "--health"]' in final
    assert "RUN" not in final
    assert re.search(r'^ENTRYPOINT \["yiyang"\]$', final, re.MULTILINE)


def test_the_image_installs_what_the_lock_says_and_nothing_else() -> None:
    installs = re.findall(r"pip install[^\n]*", DOCKERFILE)

    assert installs == ["pip install --require-hashes --only-binary=:all: -r requirements.lock"]
    assert "ADD " not in DOCKERFILE
    assert "curl" not in DOCKERFILE


def test_everything_that_the_image_copies_exists_and_is_let_in() -> None:
    sources = [
        word for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE) for word in line.split()[:-1]
    ]
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] == "!"}

    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if not {source, *map(str, Path(source).parents)} & let_in] == []


@pytest.mark.needs("nginx")
def test_nginx_takes_the_proxys_configuration(checkout: Path) -> None:
    _init(checkout, "hub.example.org")
    text = NGINX.read_text(encoding="utf-8").replace("server gateway:8080", "server 127.0.0.1:8080")
    text = text.replace(" /tmp/", f" {checkout}/")
    secrets = checkout / "deploy/secrets"
    text = text.replace("/run/secrets/tls_certificate", str(secrets / "tls.crt"))
    text = text.replace("/run/secrets/tls_key", str(secrets / "tls.key"))
    (checkout / "nginx.conf").write_text(text, encoding="utf-8")

    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin") or ""
    said = subprocess.run(
        [program, "-t", "-c", str(checkout / "nginx.conf")], capture_output=True, text=True, check=False
    )

    assert said.returncode == 0, said.stderr


def test_the_proxy_keeps_queries_out_of_its_logs_and_the_admin_doors_to_itself() -> None:
    text = re.sub(r"#.*", "", NGINX.read_text(encoding="utf-8"))
    locations = re.findall(r"location ([^{]+) {", text)

    assert "access_log off;" in text
    assert re.search(r"error_log \S+ crit;", text)
    assert not any("metrics" in location or "version" in location for location in locations)
    assert re.search(r"location / { return 404; }", text)
    assert "TLSv1.1" not in text


def _unit() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        name, mark, value = line.partition("=")
        if mark and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


def test_the_unit_confines_the_service_and_brings_it_back() -> None:
    unit = _unit()
    wanted = {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "StateDirectory": "yiyang",
        "StateDirectoryMode": "0700",
        "UMask": "0077",
        "Restart": "always",
        "User": "yiyang",
        "CapabilityBoundingSet": "",
    }

    assert {name: unit[name] for name in wanted} == {name: [value] for name, value in wanted.items()}


@pytest.mark.needs("systemd")
def test_systemd_takes_the_unit_and_finds_little_exposed(tmp_path: Path) -> None:
    # The program is not installed here: a stand-in that exists everywhere takes its place.
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    path = tmp_path / "yiyang.service"
    path.write_text(text, encoding="utf-8")

    verified = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (verified.returncode, verified.stderr) == (0, "")
    assert judged.returncode == 0, judged.stdout[-400:]


def test_the_guide_names_every_file_of_the_deployment() -> None:
    text = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
    files = [path.relative_to(ROOT / "deploy").as_posix() for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    named = [name for name in files if not name.startswith("secrets/") and "__pycache__" not in name]

    assert [name for name in named if name not in text and name != "README.md"] == []
