"""What is published: the sdist, what an index shows, and the files that services read."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import smartdc
from tests.conftest import START_ENVIRONMENT
from tests.floors import floors
from tests.meta.conftest import ROOT

PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
SITE = PROJECT["urls"]["Documentation"] + "en/latest/"


def loaded(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_all_of_the_checkout_is_in_the_sdist(sdist: Path, checkout: Path) -> None:
    here = {str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file()}
    with tarfile.open(sdist) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames() if archive.getmember(name).isfile()}
    made = {"PKG-INFO", "setup.cfg", "smartdc.egg-info"}
    assert {name for name in inside if name.partition("/")[0] not in made} == {
        name for name in here if name.partition("/")[0] not in made
    }


@pytest.mark.soak
def test_the_sdist_tests_itself(sdist: Path, tmp_path: Path) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    done = subprocess.run(
        ["make", "quick", f"PYTHON={sys.executable}"],
        cwd=unpacked,
        env=START_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def test_an_index_can_show_the_description(dist: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *map(str, dist.glob("smartdc-*"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_links_of_the_readme_lead_to_pages_of_the_documentation() -> None:
    links = re.findall(r"\]\(([^)]+)\)", README)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    pages = [link.removeprefix(SITE) for link in links if link.startswith(SITE)]
    assert len(pages) > 5
    for page in filter(None, pages):
        name, _, anchor = page.partition("#")
        source = ROOT / "docs" / name.replace(".html", ".md")
        headings = re.findall(r"^#+ (.*)$", source.read_text(encoding="utf-8"), re.MULTILINE)
        assert not anchor or anchor in {re.sub(r"\W+", "-", heading.lower()) for heading in headings}


@pytest.mark.skipif(re.fullmatch(r"[\d.]+", smartdc.__version__) is not None, reason="not a pre-release")
def test_installing_a_pre_release_says_so() -> None:
    """Without --pre, pip installs the newest version that is not a pre-release: py-smartdc 0.2.0."""
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    commands = [
        command
        for page in pages
        for command in re.findall(r"pip install [^`\n]*", page.read_text(encoding="utf-8"))
        if re.search(r"(?<![\w/.-])smartdc\b", command)
    ]
    assert len(commands) >= 5
    assert [command for command in commands if not command.startswith("pip install --pre ")] == []


def test_the_changelog_links_to_pages_that_exist() -> None:
    """docs/changelog.md includes it, and makes links below docs/ lead to the same pages of the site."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((docs/[^)#]+)\)", text)
    assert links
    assert [link for link in links if not (ROOT / link).is_file()] == []
    assert re.findall(r"(?<!\()docs/[\w/-]*\.md", text) == []


def test_one_version_everywhere() -> None:
    assert loaded("CITATION.cff")["version"] == smartdc.__version__


def test_ci_calls_targets_of_the_makefile_on_each_python_that_is_named() -> None:
    jobs = loaded(".github/workflows/test.yml")["jobs"]
    commands = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    targets = [re.fullmatch(r"make (\w+)(?: PYTHON=python)?", command) for command in commands]
    assert {found[1] for found in targets if found} >= {"demo", "test", "lowest"}
    for command, found in zip(commands, targets, strict=True):
        assert found, command
        assert re.search(rf"^{found[1]}:", MAKEFILE, re.MULTILINE), command
    named = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if ":: 3." in line]
    assert jobs["test"]["strategy"]["matrix"]["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_the_files_of_services_name_existing_files_and_commands() -> None:
    assert (ROOT / loaded(".readthedocs.yaml")["sphinx"]["configuration"]).is_file()
    entries = [hook["entry"] for repo in loaded(".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    lint = MAKEFILE.partition("\nlint:")[2].partition("\n\n")[0]
    assert [entry for entry in entries if entry.replace(".venv/bin", "$(BIN)") not in lint] == []


def test_each_dependency_has_a_floor() -> None:
    assert len(floors()) >= 9
    assert [line for line in floors() if not re.fullmatch(r"[a-z]+==[\d.]+", line)] == []
