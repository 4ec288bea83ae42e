"""The pages for people who run the program name what the program reads."""

import ast
import functools
import re
from pathlib import Path

READERS = {"address", "text", "flag", "number", "choice", "names", "folder", "get", "megabytes", "networks", "bucket"}


@functools.cache
def read_variables(repository: Path) -> set[str]:
    """Names that the code asks the environment for."""
    found = set()
    for path in [*(repository / "portal").rglob("*.py"), *(repository / "api").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
                continue
            name = node.args[0]
            if (
                node.func.attr in READERS
                and ast.unparse(node.func.value) in ("env", "os.environ")
                and isinstance(name, ast.Constant)
            ):
                found.add(str(name.value))
    return found - {"DJANGO_SETTINGS_MODULE"}


def test_every_environment_variable_is_documented_and_no_other(repository: Path) -> None:
    page = (repository / "docs" / "settings.md").read_text(encoding="utf-8")

    assert set(re.findall(r"^\| `([A-Z0-9_]+)` \|", page, re.MULTILINE)) == read_variables(repository)


def test_documents_name_files_and_targets_that_exist(repository: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (repository / "Makefile").read_text(), re.MULTILINE))
    pages = [*repository.glob("*.md"), *(repository / "docs").rglob("*.md")]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (page.parent / link).exists() or link.endswith(".png"), f"{page.name}: {link}"
        for path in re.findall(r"`((?:portal|api|docker|tests|scripts|templates)/[\w./]*\w)`", text):
            assert (repository / path).exists(), f"{page.name}: {path}"
        assert set(re.findall(r"`make ([a-z-]+)`", text)) <= targets, page.name


def test_what_containers_and_units_set_is_what_the_program_reads(repository: Path) -> None:
    of_the_scripts = {"MARSAD_OWNER_PASSWORD", "MARSAD_APP_PASSWORD", "MARSAD_BACKUP_DAYS"}
    files = [*(repository / "docker").glob("compose*.yaml"), repository / "docker" / "systemd" / "marsad.env.example"]

    for path in files:
        given = set(re.findall(r"^\s*(MARSAD_[A-Z0-9_]+)[:=]", path.read_text(), re.MULTILINE))
        assert given - of_the_scripts <= read_variables(repository), path.name
