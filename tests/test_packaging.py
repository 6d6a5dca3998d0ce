"""What installs the course agrees with itself: parsed, built and rendered here, never solved."""

import ast
import importlib.metadata
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from repo2docker.app import Repo2Docker

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INSTALL = 'python -m pip install -c constraints.txt -e . && clcourse'
TEST = 'python -m pip install -c constraints.txt -e ".[test]" && python -m pytest'


class Names(NamedTuple):
    """What one dependency is called: by pip, by conda, on Binder, in an import."""

    pip: str
    conda: str
    binder: str
    module: str


TABLE = [
    Names("ipykernel", "ipykernel", "ipykernel", "ipykernel"),
    Names("ipywidgets", "ipywidgets", "ipywidgets", "ipywidgets"),
    Names("joblib", "joblib", "joblib", "joblib"),
    Names("jupyter-client", "jupyter_client", "jupyter_client", "jupyter_client"),
    Names("jupyterlab", "jupyterlab", "jupyterlab", "jupyterlab"),
    Names("matplotlib", "matplotlib-base", "matplotlib-base", "matplotlib"),
    Names("nbclient", "nbclient", "nbclient", "nbclient"),
    Names("nbconvert", "nbconvert", "nbconvert", "nbconvert"),
    Names("nbformat", "nbformat", "nbformat", "nbformat"),
    Names("numpy", "numpy", "numpy", "numpy"),
    Names("packaging", "packaging", "packaging", "packaging"),
    Names("pillow", "pillow", "pillow", "PIL"),
    Names("psutil", "psutil", "psutil", "psutil"),
    Names("safetensors", "safetensors", "safetensors", "safetensors"),
    Names("scikit-learn", "scikit-learn", "scikit-learn", "sklearn"),
    Names("scipy", "scipy", "scipy", "scipy"),
    Names("torch", "pytorch", "pytorch-cpu", "torch"),
    Names("tqdm", "tqdm", "tqdm", "tqdm"),
]
CUDA = ("cuda-", "nvidia-", "triton")  # what torch brings on Linux, pinned by torch itself


def read_yaml(name: str) -> dict:
    """One YAML file of the repository."""
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def requirements(*extras: str) -> dict[str, SpecifierSet]:
    """The declared dependencies, those of the extras included: name -> allowed versions."""
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][one] for one in extras)]
    found = [Requirement(line) for lines in lists for line in lines]
    return {one.name: one.specifier for one in found}


def conda_specs(name: str) -> dict[str, SpecifierSet]:
    """What a conda environment file asks for, apart from Python and pip."""
    found = [Requirement(line) for line in read_yaml(name)["dependencies"] if "python=" not in line]
    return {one.name: one.specifier for one in found if one.name not in ("python", "pip")}


def constraints() -> dict[str, str]:
    """The pinned versions: canonical name -> version."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if not line.startswith("#")]
    assert all(len(pin) == 2 for pin in pins), "every line is name==version"
    assert len({canonicalize_name(name) for name, _ in pins}) == len(pins), "each name once"
    return {canonicalize_name(name): version for name, version in pins}


def test_table_and_pyproject_name_the_same_packages():
    assert {row.pip for row in TABLE} == set(requirements())


@pytest.mark.parametrize(
    ("file", "column"), [("environment.yml", "conda"), ("binder/environment.yml", "binder")]
)
def test_conda_environment_asks_for_what_pyproject_asks_for(file, column):
    wanted = {getattr(row, column): requirements()[row.pip] for row in TABLE}
    assert conda_specs(file) == wanted
    content = read_yaml(file)
    assert content["name"] == "clcourse"
    assert content["channels"] == ["conda-forge", "nodefaults"]
    assert "pip" in content["dependencies"]


def test_python_versions_agree():
    allowed = SpecifierSet(PROJECT["requires-python"])
    assert f"python{allowed}" in read_yaml("environment.yml")["dependencies"]
    jobs = read_yaml(".github/workflows/test.yml")["jobs"]
    options = [step.get("with", {}) for step in jobs["quick"]["steps"]]
    (setup,) = (one for one in options if "python-version" in one)
    tried = [*jobs["everywhere"]["strategy"]["matrix"]["python"], setup["python-version"]]
    assert all(f"{version}.99" in allowed for version in tried)
    assert "python=3.12" in read_yaml("binder/environment.yml")["dependencies"]


def test_course_imports_only_what_it_declares():
    known = sys.stdlib_module_names | {row.module for row in TABLE} | {"clcourse"}
    for path in sorted((ROOT / "clcourse").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            unknown = {name.split(".")[0] for name in names} - known
            assert not unknown, f"{path.relative_to(ROOT)} imports {unknown}: declare it"


def test_constraints_pin_every_direct_dependency_within_its_range():
    pins = constraints()
    for name, allowed in requirements("test").items():
        assert canonicalize_name(name) in pins, f"{name} is not pinned"
        assert pins[canonicalize_name(name)] in allowed
    assert pins["torch"] == "2.13.0"


def test_constraints_pin_everything_that_the_pinned_versions_bring():
    pins, waiting, seen = constraints(), [("clcourse", "test")], set()
    while waiting:
        name, extra = waiting.pop()
        seen.add((name, extra))
        installed = Version(importlib.metadata.version(name)).public
        if name != "clcourse" and installed != pins.get(name):
            continue  # another version than the pinned one may bring something else
        for line in importlib.metadata.requires(name) or []:
            one = Requirement(line)
            if one.marker is None or one.marker.evaluate({"extra": extra}):
                brought = {(canonicalize_name(one.name), more) for more in ("", *one.extras)}
                waiting += brought - seen
    names = {name for name, _ in seen if not name.startswith(CUDA)} - {"clcourse"}
    assert set(map(canonicalize_name, requirements("test"))) <= names
    assert names <= set(pins), f"not pinned: {sorted(names - set(pins))}"


def test_binder_renders_with_the_python_that_it_names(monkeypatch):
    monkeypatch.chdir(ROOT)
    app = Repo2Docker()
    packs = (one(base_image=app.base_image) for one in app.buildpacks)
    pack = next(one for one in packs if one.detect())
    pack.platform = "linux/amd64"
    assert type(pack).__name__ == "CondaBuildPack"
    assert (pack.binder_dir, pack.python_version) == ("binder", "3.12")
    dockerfile = pack.render(build_args={})
    for line in ('--file "binder/environment.yml"', "RUN ./binder/postBuild", "binder/start"):
        assert line in dockerfile


@pytest.mark.parametrize("name", ["binder/postBuild", "binder/start", ".ci/run"])
def test_scripts_can_be_run(name):
    content = (ROOT / name).read_bytes()
    assert content.startswith((b"#!/bin/bash\n", b"#!/usr/bin/env bash\n"))
    assert b"\r" not in content
    if os.name == "posix":
        assert os.access(ROOT / name, os.X_OK)
        subprocess.run(["bash", "-n", ROOT / name], check=True)


def test_binder_installs_the_course_and_stops_at_an_error():
    lines = (ROOT / "binder/postBuild").read_text(encoding="utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert "python -m pip install --no-deps --no-cache-dir -e ." in lines


def test_binder_starts_with_one_thread_and_the_settings_of_the_course():
    start = ROOT / "binder/start"
    assert start.read_text(encoding="utf-8").endswith('\nexec "$@"\n')
    if os.name == "posix":
        told = subprocess.check_output([start, "env"], text=True).splitlines()
        assert {"OMP_NUM_THREADS=1", "OMP_WAIT_POLICY=passive"} <= set(told)
        settings = [line for line in told if line.startswith("JUPYTER_CONFIG_PATH=")][0]
        assert (Path(settings.partition("=")[2]) / "labconfig").is_dir()


def test_readme_and_automation_give_the_same_two_commands():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert INSTALL in readme and TEST in readme
    assert (ROOT / ".ci/run").read_text(encoding="utf-8").endswith(f"\n{TEST}\n")
    jobs = read_yaml(".github/workflows/test.yml")["jobs"]
    assert TEST in [step.get("run") for step in jobs["quick"]["steps"]]


def test_workflow_covers_three_systems_and_pull_requests():
    workflow = read_yaml(".github/workflows/test.yml")
    assert "pull_request" in workflow[True]  # YAML 1.1 reads the key `on` as true
    systems = workflow["jobs"]["everywhere"]["strategy"]["matrix"]["system"]
    assert {system.partition("-")[0] for system in systems} == {"ubuntu", "macos", "windows"}


def test_pre_commit_runs_ruff_from_this_environment():
    (repository,) = read_yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert all(hook["entry"].startswith("python -m ruff") for hook in repository["hooks"])


def test_citation_changes_and_licences_belong_to_this_version():
    citation = read_yaml("CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["version"] == PROJECT["version"]
    assert f"\n## {PROJECT['version']} " in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert " AND ".join(citation["license"]) == PROJECT["license"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("BSD 3-Clause License\n")
    assert "CC BY 4.0" in (ROOT / "LICENSE-text").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, made from the source archive, as an index would serve both."""
    folder = tmp_path_factory.mktemp("built")
    archive = build("sdist", ROOT, folder)
    with tarfile.open(archive) as content:
        content.extractall(folder, filter="data")
    return build("wheel", folder / archive.name.removesuffix(".tar.gz"), folder)


def build(target: str, source: Path, folder: Path) -> Path:
    """Let hatchling build one archive; its path."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    (made,) = folder.glob({"sdist": "*.tar.gz", "wheel": "*.whl"}[target])
    return made


def test_wheel_carries_package_lessons_results_and_nothing_else(wheel):
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = [path for path in (ROOT / "clcourse").rglob("*") if path.is_file()]
    wanted = {
        str(path.relative_to(ROOT).as_posix())
        for path in package
        if "__pycache__" not in path.parts and ".ipynb_checkpoints" not in path.parts
    }
    lessons = {f"clcourse/notebooks/{one.name}" for one in (ROOT / "notebooks").glob("*.ipynb")}
    assert lessons and any(name.startswith("clcourse/results/") for name in wanted)
    assert held == wanted | lessons


def test_wheel_says_what_it_needs_and_brings_command_and_licences(wheel):
    folder = f"clcourse-{PROJECT['version']}.dist-info"
    with zipfile.ZipFile(wheel) as content:
        told = content.read(f"{folder}/METADATA").decode().splitlines()
        commands = content.read(f"{folder}/entry_points.txt").decode()
        licences = {name for name in content.namelist() if name.startswith(f"{folder}/licenses/")}
    assert f"Requires-Python: {PROJECT['requires-python']}" in told
    assert f"License-Expression: {PROJECT['license']}" in told
    assert "clcourse = clcourse.__main__:main" in commands
    assert licences == {f"{folder}/licenses/{name}" for name in PROJECT["license-files"]}


def test_course_finds_its_lessons_in_an_installed_wheel(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "from clcourse.workspace import lessons; print(*(one.name for one in lessons()))"
    told = subprocess.check_output([sys.executable, "-c", code], cwd=tmp_path, text=True)
    assert told.split() == sorted(one.name for one in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
