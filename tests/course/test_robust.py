"""Whatever a student's folder has been through: the tools tell it, and no line of text is lost."""

import copy
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from student_edits import answer
from typer.testing import CliRunner

from olympus_kit.checks import store
from olympus_kit.course import _course, _merge, _notebook, _release
from olympus_kit.course.cli import app
from olympus_kit.files import write_whole

REPO = Path(__file__).parents[2]
RIGHT = "def slope(f, x):\n    return olympus.grad(f)(x)"
MINE = "# a thought of mine"


def olympus(*words):
    """Run `olympus` with these words."""
    return CliRunner(env={"NO_COLOR": "1", "COLUMNS": "200"}).invoke(app, [*words])


@pytest.fixture
def page(student):
    """The page of the first question, with a right answer and a thought in it."""
    path = student / "exercises" / "00_start.md"
    answer(path, "slope", f"{RIGHT}  {MINE}")
    return path


def kept(page):
    """The copies that were kept of a page."""
    return [path.read_bytes() for path in (page.parent / ".olympus" / "kept").glob("*.md")]


BROKEN = {
    "can't be read as a MyST notebook": lambda b: b.replace(b"[answer]", b"[answer"),
    "is not of type 'array'": lambda b: b.replace(b"[answer]", b"answer"),
    "is not valid UTF-8": lambda b: b.decode().encode("utf-16"),
    "a merge conflict is left here": lambda b: b + b"\n<<<<<<< mine\n=======\n>>>>>>> theirs\n",
    "can't be read": lambda b: b.replace(b"kernelspec:", b"kernelspec: [3"),
}


@pytest.mark.parametrize("said", BROKEN)
def test_a_page_that_is_no_notebook_is_told_and_left_alone(student, page, said):
    page.write_bytes(BROKEN[said](page.read_bytes()))
    before = page.read_bytes()
    for words in (["check", "00"], ["reset", "slope"], ["export", "00"]):
        done = olympus(*words)
        assert done.exit_code == 2, words
        assert said in done.stderr
        assert "00_start.md" in done.stderr
    with pytest.raises(ValueError, match=r"00_start\.md"):
        _release.release(REPO / "solutions", student / "exercises", only="00")
    assert all(olympus(*words).exit_code == 0 for words in (["list"], ["next"], ["hint", "slope"]))
    assert page.read_bytes() == before


def test_text_that_is_no_notebook_at_all_loses_nothing(student, page):
    page.write_text("Dear diary,\n\n- one\n- two\n")
    done = olympus("check", "00")
    assert done.exit_code == 1
    assert "slope: not attempted" in done.stdout
    assert olympus("reset", "slope").exit_code == 0
    assert b"Dear diary,\n\n- one\n- two\n" in kept(page)
    assert "Dear diary" in page.read_text()
    assert 'raise Unsolved("slope")' in page.read_text()


CHANGED = {
    "windows": lambda b: b.replace(b"\n", b"\r\n"),
    "mark": lambda b: b"\xef\xbb\xbf" + b,
    "kernel": lambda b: b.replace(b"name: python3", b"name: my-own").replace(b"Python 3", b"Own"),
    "no header": lambda b: b.partition(b"---\n\n")[2],
    "twice": lambda b: b + b"\n" + CELL.replace(b"[answer]", b"[answer, new]"),
}
CELL = f"```{{code-cell}}\n:tags: [answer]\n:name: slope\n\n{RIGHT}\n```\n".encode()


@pytest.mark.parametrize("how", CHANGED)
def test_a_page_that_was_changed_elsewhere_is_checked_and_reset(page, how):
    page.write_bytes(CHANGED[how](page.read_bytes()))
    before = page.read_bytes()
    done = olympus("check", "00", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["00_start"][0]["state"] == "correct"
    assert olympus("reset", "slope").exit_code == 0
    assert before in kept(page)
    assert page.read_text().count(":name: slope\n") == 1
    assert RIGHT not in page.read_text()


def test_a_deleted_cell_and_a_deleted_page_come_back(page):
    notebook = _notebook.read(page)
    notebook.cells = [c for c in notebook.cells if not _notebook.name(c).startswith("slope")]
    notebook.cells.append(_notebook.markdown(MINE))
    page.write_text(_notebook.write(notebook))
    assert "slope: not attempted" in olympus("check", "00").stdout
    assert olympus("reset", "slope").exit_code == 0
    text = page.read_text()
    assert 'raise Unsolved("slope")' in text
    assert 'check("slope")' in text
    assert MINE in text
    page.unlink()
    done = olympus("check", "00")
    assert done.exit_code == 2
    assert "00_start.md" in done.stderr
    assert json.loads(olympus("reset", "slope", "--json").stdout) == {
        "question": "slope",
        "kept": None,
    }
    assert 'raise Unsolved("slope")' in page.read_text()


def shuffled(notebook, seed):
    """The notebook after an hour in the hands of somebody in a hurry, and the lines of theirs."""
    dice, mine = random.Random(seed), []
    for number in range(12):
        cells = notebook.cells
        at, line = dice.randrange(len(cells)), f"# my line {number}"
        match dice.choice(["delete", "twice", "move", "edit", "edit", "own", "name"]):
            case "delete" if "# my line" not in cells[at].source:
                del cells[at]
            case "twice":
                twin = copy.deepcopy(cells[at])
                twin.id = f"twin-{number}"
                cells.insert(dice.randrange(len(cells)), twin)
            case "move":
                cells.insert(dice.randrange(len(cells)), cells.pop(at))
            case "edit":
                cells[at].source += f"\n{line}"
                mine.append(line)
            case "own":
                cells.insert(at, _notebook.markdown(line))
                mine.append(line)
            case "name":
                cells[at].metadata["name"] = dice.choice(["slope", "mine", "dense_vjp"])
    return mine


@pytest.mark.parametrize("seed", range(20))
def test_no_line_is_lost_however_cells_were_deleted_copied_and_moved(seed):
    base = _notebook.read(REPO / "exercises" / "04_reverse.md")
    mine, new = (_notebook.read(REPO / "exercises" / "04_reverse.md") for _ in range(2))
    lines = shuffled(mine, seed)
    del new.cells[seed % len(new.cells)]
    new.cells[seed % len(new.cells)].source += "\n\nA better sentence."
    text, _ = _merge.merge(base, mine, new)
    merged = _notebook.parse(text)
    said = "\n".join(cell.source for cell in merged.cells).splitlines()
    assert [line for line in lines if line not in said] == []
    assert "A better sentence." in said
    names = [_notebook.name(cell) for cell in merged.cells if _notebook.name(cell)]
    assert len(names) == len(set(names))


def test_a_release_over_an_edited_page_keeps_the_page_as_it_was(student, page):
    page.write_text(page.read_text().replace("title:", "# a comment of mine\ntitle:"))
    before = page.read_bytes()
    report = _release.release(REPO / "solutions", student / "exercises", only="00")
    assert report.edited == [page]
    assert MINE in page.read_text()
    assert page.read_bytes() == before or before in kept(page)


def test_a_crash_while_writing_leaves_the_old_file(page, monkeypatch):
    before = page.read_bytes()

    def crash(*_):
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", crash)
    done = olympus("reset", "slope")
    assert done.exit_code == 2
    assert "no space left" in done.stderr
    assert page.read_bytes() == before
    assert [p.name for p in page.parent.iterdir() if p.name.endswith(".part")] == []


def test_a_process_killed_while_writing_leaves_a_whole_file(tmp_path):
    code = (
        "import sys, pathlib, itertools\n"
        "from olympus_kit.files import write_whole\n"
        "for letter in itertools.cycle('ab'):\n"
        "    write_whole(pathlib.Path(sys.argv[1]), letter * 4_000_000)\n"
        "    print(letter, flush=True)\n"
    )
    path = tmp_path / "text"
    for lines in (1, 2, 3):
        command = [sys.executable, "-c", code, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            for _ in range(lines):
                writer.stdout.readline()
            writer.send_signal(signal.SIGKILL)
        text = path.read_text()
        assert len(text) == 4_000_000
        assert len(set(text)) == 1


def test_two_windows_at_once_lose_nothing(student):
    exercises = student / "exercises"
    path = exercises / "04_reverse.md"
    names = ("reverse_chain", "dense_vjp")
    for name in names:
        answer(path, name, f"{name} = 1  {MINE}")
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from olympus_kit.checks import store\nfrom olympus_kit.course import _course\n"
        "for n in range(20):\n"
        "    store.change_state(Path('exercises'), sys.argv[1] + str(n), dict)\n"
        "_course.reset(sys.argv[1])\n"
    )
    windows = [subprocess.Popen([sys.executable, "-c", code, name]) for name in names]
    assert [window.wait(timeout=300) for window in windows] == [0, 0]
    text = path.read_text()
    assert MINE not in text
    assert all(f'raise Unsolved("{name}")' in text for name in names)
    known = store.read_progress(exercises)
    assert {f"{name}{n}" for name in names for n in range(20)} <= set(known)
    assert len(kept(path)) == 2


def test_progress_moves_with_the_folder(student, page, monkeypatch):
    assert olympus("check", "00").exit_code == 0
    moved = student / "my new place" / "étude"
    moved.mkdir(parents=True)
    shutil.move(student / "exercises", moved / "exercises")
    monkeypatch.chdir(moved)
    assert json.loads(olympus("list", "--json").stdout)[0]["solved"] == ["slope"]
    assert olympus("check", "00").exit_code == 0


def test_a_folder_that_cannot_be_written_is_still_checked(page):
    (page.parent / ".olympus").write_text("in the way, as a read-only folder is")
    before = page.read_bytes()
    done = olympus("check", "00")
    assert done.exit_code == 0, done.output
    assert "✓ slope: correct" in done.stdout
    assert olympus("hint", "slope").exit_code == 0
    reset = olympus("reset", "slope")
    assert reset.exit_code == 2
    assert ".olympus" in reset.stderr
    assert page.read_bytes() == before


def test_one_page_that_dies_or_is_broken_does_not_stop_the_others(student, page):
    exercises = student / "exercises"
    for path in sorted(exercises.glob("*.md"))[3:]:
        for end in (".md", ".spec.py", ".answers"):
            path.with_name(path.stem + end).unlink()
    dying, broken = sorted(exercises.glob("*.md"))[1:3]
    text = dying.read_text()
    dying.write_text(text.replace("import olympus\n", "import os\n\nos._exit(3)\n", 1))
    broken.write_text(broken.read_text() + "\n<<<<<<< mine\n")
    done = olympus("check", "--json", "--jobs", "2")
    assert done.exit_code == 2
    found = json.loads(done.stdout)
    assert [o["state"] for o in found["00_start"]] == ["correct"]
    assert found[dying.stem] == found[broken.stem] == []
    assert f"{dying} ended too early, with exit code 3. Not judged: " in done.stderr
    assert "a merge conflict" in done.stderr


def test_a_lock_that_never_opens_is_told(page, monkeypatch):
    def never(*_, **__):
        raise _course.Timeout("pages.lock")

    monkeypatch.setattr(_course.FileLock, "acquire", never)
    done = olympus("reset", "slope")
    assert done.exit_code == 2
    assert "Another olympus is changing" in done.stderr


def test_write_whole_keeps_a_text_to_the_byte(tmp_path):
    path = tmp_path / "text"
    write_whole(path, "é\n\ttwo\n")
    assert path.read_bytes() == "é\n\ttwo\n".encode()


def test_write_whole_keeps_mode_and_link(tmp_path):
    path, link = tmp_path / "real" / "text", tmp_path / "link"
    path.parent.mkdir()
    path.write_text("old")
    path.chmod(0o640)
    link.symlink_to(path)
    write_whole(link, "new")
    assert link.is_symlink()
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640
    if os.geteuid() == 0:  # only root may give a file away
        os.chown(path, 4242, 4343)
        write_whole(link, "newer")
        assert (path.stat().st_uid, path.stat().st_gid) == (4242, 4343)
    mask = os.umask(0o027)
    try:
        write_whole(tmp_path / "fresh", "x")
    finally:
        os.umask(mask)
    assert (tmp_path / "fresh").stat().st_mode & 0o777 == 0o640


def test_threads_that_write_one_path_do_not_collide(tmp_path):
    path = tmp_path / "text"
    letters = [chr(97 + n) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda x: [write_whole(path, x * 100_000) for _ in range(20)], letters))
    assert len(set(path.read_text())) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["text"]


def test_a_full_disk_leaves_no_cut_copy(page, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert olympus("reset", "slope").exit_code == 2
    assert kept(page) == []
    assert MINE in page.read_text()


def test_hints_of_two_windows_are_counted_together(student):
    code = (
        "from pathlib import Path\nfrom olympus_kit.checks import store\n"
        "for _ in range(20):\n"
        "    change = lambda before: store.with_next_hint(before, 1000)\n"
        "    store.change_state(Path('exercises'), 'slope', change)\n"
        "    store.record(Path('exercises'), 'slope', 'correct')\n"
        "    store.record(Path('exercises'), 'slope', 'not yet')\n"
    )
    windows = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(2)]
    assert [window.wait(timeout=300) for window in windows] == [0, 0]
    state = store.read_progress(student / "exercises")["slope"]
    assert state["hints"] == 40
    assert state["solved"]


MAGICS = {
    "inline figures": "%matplotlib inline\n",
    "a loop of its own": "async def one():\n    return 1\nassert await one() == 1\n",
    "leaving": "quit()\n",
    "a debugger": "%debug\n",
    "a thread that goes on": (
        "import threading, time\nthreading.Thread(target=time.sleep, args=(1000,)).start()\n"
    ),
}


@pytest.mark.parametrize("what", MAGICS)
def test_what_a_kernel_runs_is_judged(page, what):
    answer(page, "slope", MAGICS[what] + RIGHT)
    done = olympus("check", "00")
    assert "✓ slope: correct" in done.stdout, done.output


def test_what_fails_in_a_kernel_s_loop_fails_in_the_judge(page):
    code = "import asyncio\nasync def one():\n    return 1\nasyncio.run(one())\n"
    answer(page, "slope", code + RIGHT)
    assert "△ slope: not yet" in olympus("check", "00").stdout


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT", "SIGKILL"])
def test_no_judge_outlives_the_check(student, page, name):
    """Nor does a child of the answer, nor the watcher."""
    code = (
        "import os, subprocess\nbeside = subprocess.Popen(['sleep', '1000'])\n"
        "os.mkfifo('begun')\nopen('begun', 'w').write(f'{os.getpid()} {beside.pid}')\n"
        "while True:\n    pass"
    )
    answer(page, "slope", code)
    command = [sys.executable, "-m", "olympus_kit.course.cli", "check", "00"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    checking = subprocess.Popen(command, cwd=student, **pipes)
    begun = page.with_name("begun")
    while not begun.exists():
        assert checking.poll() is None
        time.sleep(0.05)
    judge, beside = map(int, begun.read_text().split())  # a pipe: waits until the answer runs
    checking.send_signal(getattr(signal, name))
    checking.wait(timeout=300)
    for pid in (judge, beside):
        for _ in range(3000):
            if ended(pid):
                break
            time.sleep(0.1)
        assert ended(pid), pid


def test_a_child_of_an_answer_does_not_outlive_a_normal_check(page):
    code = (
        "import subprocess\nbeside = subprocess.Popen(['sleep', '1000'])\n"
        "open('beside', 'w').write(str(beside.pid))\n"
    )
    answer(page, "slope", code + RIGHT)
    assert "✓ slope: correct" in olympus("check", "00").stdout
    assert ended(int(page.with_name("beside").read_text()))


def ended(pid):
    """Whether a process is gone, or only waits to be collected."""
    try:
        return ") Z " in Path("/proc", str(pid), "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return True
