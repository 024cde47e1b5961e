"""What the package index, the extension index and their readers are told is one thing, and true."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import slab_exporter as se

if sys.version_info >= (3, 11):
    import tomllib
else:  # tomli is what pytest itself reads pyproject.toml with there
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
REPOSITORY = "https://github.com/SlabExporter/SlicerSlabExporter"
RAW = "https://raw.githubusercontent.com/SlabExporter/SlicerSlabExporter"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_repository_is_called_alike_everywhere():
    assert json.loads(text_of("SlabExporter.json"))["scm_url"] == f"{REPOSITORY}.git"
    assert f'EXTENSION_HOMEPAGE "{REPOSITORY}#readme"' in text_of("CMakeLists.txt")
    assert f'HOMEPAGE = "{REPOSITORY}"' in text_of("SlabExporter/SlabExporter.py")
    assert PROJECT["urls"]["Homepage"] == REPOSITORY
    assert PROJECT["urls"]["Repository"] == f"{REPOSITORY}.git"
    assert REPOSITORY.rpartition("/")[2] == f"Slicer{Path(ROOT / 'SlabExporter.json').stem}"


def test_every_picture_of_the_extension_is_in_the_repository():
    urls = re.findall(rf"{RAW}/main/([^\s\"]+)", text_of("CMakeLists.txt"))
    assert len(urls) >= 3
    assert [url for url in urls if not (ROOT / url).is_file()] == []


def links(page: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", text_of(page))


@pytest.mark.parametrize("target", links("README.md"))
def test_a_link_of_readme_leads_somewhere_from_the_package_index_too(target):
    """The index shows README alone: what it names of the repository is that of the release, with its tag."""
    if target.startswith(("https://github.com/SlabExporter", RAW)):
        tag = f"v{se.__version__}"
        inside = re.fullmatch(rf"(?:{REPOSITORY}/blob|{RAW})/{re.escape(tag)}/([^#]+)(?:#.*)?", target)
        assert inside is not None, f"write {REPOSITORY}/blob/{tag}/..., of pictures {RAW}/{tag}/..."
        assert (ROOT / inside[1]).is_file()
    else:
        assert target.startswith(("https://", "#")), f"write {REPOSITORY}/blob/v{se.__version__}/{target}"


def test_readme_has_pictures_and_documents():
    assert sum(target.startswith(RAW) for target in links("README.md")) >= 2
    assert sum("/docs/" in target for target in links("README.md")) >= 8


def test_python_versions_are_the_same_in_bound_and_classifiers():
    """The versions that slicer-core has wheels for; README names them too."""
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"]).groups()
    versions = {f"Programming Language :: Python :: 3.{n}" for n in range(int(low), int(high))}
    assert {c for c in PROJECT["classifiers"] if re.search(r":: 3\.\d", c)} == versions
    assert f"Python 3.{low} to 3.{int(high) - 1}" in text_of("README.md")


def test_the_licence_is_an_expression_with_its_file():
    assert PROJECT["license"] == "Apache-2.0"
    assert not [c for c in PROJECT["classifiers"] if c.startswith("License ::")]  # refused beside an expression
    assert [name for name in PROJECT["license-files"] if not (ROOT / name).is_file()] == []
    assert "Apache License" in text_of("LICENSE.txt")


def test_the_citation_is_of_this_version():
    pytest.importorskip("yaml", reason="PyYAML is not installed")
    import yaml

    citation = yaml.safe_load(text_of("CITATION.cff"))
    assert citation["version"] == se.__version__
    assert citation["repository-code"] == REPOSITORY
    assert citation["license"] == PROJECT["license"]
    assert citation["url"] == PROJECT["urls"]["Documentation"]
    assert f"version {se.__version__}. {REPOSITORY}" in text_of("README.md")


def test_the_documentation_is_where_the_help_says():
    from slab_exporter.cli.usage.parser import DOCUMENTATION

    assert PROJECT["urls"]["Documentation"] == DOCUMENTATION


def test_the_changelog_begins_with_what_is_new():
    """Unreleased, or this version; each section that is linked has its address."""
    sections = re.findall(r"^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$", text_of("CHANGELOG.md"), re.MULTILINE)
    assert sections[0][0] in ("Unreleased", se.__version__)
    assert all(date for name, date in sections if name != "Unreleased")
    assert all(f"\n[{name}]: {REPOSITORY}" in text_of("CHANGELOG.md") for name, _ in sections)


def test_workflows_try_every_python_version_that_is_promised():
    tried = re.search(r"python: \[([^\]]+)\]", text_of(".github/workflows/tests.yml"))[1]
    promised = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d", c)]
    assert re.findall(r"3\.\d+", tried) == promised
    image = re.search(r"FROM python:(3\.\d+)-slim\n", text_of("Dockerfile"))[1]
    assert image in promised


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_of_a_page_in_the_repository_lead_somewhere(page):
    for target in links(page):
        if not target.startswith("https://"):
            assert (ROOT / target.partition("#")[0]).is_file(), target
        elif "/SlicerSlabExporter" not in target and "SlabExporter" in target:
            pytest.fail(target)
