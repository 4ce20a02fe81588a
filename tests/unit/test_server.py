"""What the server of JupyterLab does with a page that it reads, and with a folder of pages."""

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

import olympus_server


def page():
    tagged = {"tags": ["hide-input"]}
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "(one)=\n\n## One\n"},
        {"cell_type": "code", "id": "b", "metadata": tagged, "source": "1"},
        {"cell_type": "markdown", "id": "c", "metadata": {}, "source": "## Question 1"},
        {
            "cell_type": "code",
            "id": "d",
            "metadata": {"tags": ["answer"], "name": "slope"},
            "source": "",
        },
        {"cell_type": "markdown", "id": "e", "metadata": {}, "source": "(one)=\n\n## Again\n"},
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}
    return {"type": "notebook", "content": {"cells": cells, "metadata": metadata}}


def test_a_page_has_what_jupyterlab_would_add():
    content = olympus_server.completed(page())["content"]
    language = content["metadata"]["language_info"]
    assert language["version"] == sys.version.split()[0]
    assert language["name"] == "python"


def test_the_language_of_another_kernel_is_not_ours_to_say():
    model = page()
    model["content"]["metadata"]["kernelspec"]["name"] = "julia"
    assert "language_info" not in olympus_server.completed(model)["content"]["metadata"]


def test_bookkeeping_is_folded_unless_the_reader_chose():
    cells = olympus_server.completed(page())["content"]["cells"]
    folded = [cell["id"] for cell in cells if "jupyter" in cell["metadata"]]
    assert folded == ["b"]
    model = page()
    model["content"]["cells"][1]["metadata"]["jupyter"] = {"source_hidden": False}
    open_ = olympus_server.completed(model)["content"]["cells"][1]
    assert open_["metadata"]["jupyter"] == {"source_hidden": False}


def test_labels_and_questions_can_be_linked_to_each_id_once():
    cells = olympus_server.completed(page())["content"]["cells"]
    assert [cell["id"] for cell in cells] == ["one", "b", "slope-question", "d", "e"]


def test_a_folder_lists_pages_without_what_belongs_to_them():
    names = ["01_a.md", "01_a.ipynb", "01_a.answers", "01_a.spec.py", "mine.ipynb", "x.py"]
    model = {"type": "directory", "content": [{"name": name} for name in names]}
    listed = olympus_server.completed(model)["content"]
    assert [file["name"] for file in listed] == ["01_a.md", "mine.ipynb", "x.py"]


def test_what_is_no_page_is_left_alone():
    for model in (
        {"type": "file", "content": "text"},
        {"type": "notebook", "content": None},
        {"type": "directory", "content": None},
    ):
        assert olympus_server.completed(dict(model)) == model


@pytest.mark.parametrize("asynchronous", [True, False])
def test_it_works_with_both_kinds_of_contents_managers(asynchronous):
    def get(path, content=True):
        return page()

    async def aget(path, content=True):
        return page()

    manager = SimpleNamespace(get=aget if asynchronous else get)
    olympus_server._load_jupyter_server_extension(SimpleNamespace(contents_manager=manager))
    answer = manager.get("x.md", content=True)
    if asynchronous:
        # on a thread of its own: a browser's test has left a loop running on this one
        with ThreadPoolExecutor(1) as thread:
            answer = thread.submit(asyncio.run, answer).result()
    model = answer
    assert "language_info" in model["content"]["metadata"]


def test_a_server_loads_no_jax():
    import subprocess

    code = "import olympus_server, sys; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
