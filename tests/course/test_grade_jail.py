"""The jail holds, and the probe sees where it does not."""

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from grading import why_no_jail

from olympus_kit.course.grade import jail as jail_module
from olympus_kit.course.grade import seccomp
from olympus_kit.course.grade.jail import Jail, NoJail
from olympus_kit.course.grade.operations import Operations
from olympus_kit.course.grade.probe import probe
from olympus_kit.course.grade.wire import Gone
from olympus_kit.course.grade.worker import require_walls


@pytest.fixture(scope="module")
def jail():
    reason = why_no_jail()
    if reason:
        pytest.skip(f"NO JAIL HERE, its tests are left out: {reason}")
    with Jail() as started:
        yield started


def test_no_breach_succeeds_in_a_jail_visit_after_visit(jail):
    for _ in range(3):
        assert probe(jail) == []


def test_a_jail_outlives_the_thread_that_started_it_and_a_killed_one_is_replaced(jail):
    with Jail() as other:
        starter = threading.Thread(target=probe, args=[other])
        starter.start()
        starter.join()
        first = other.process
        assert probe(other) == []
        assert other.process is first
        first.kill()
        first.wait()
        assert probe(other) == []
        assert other.process is not first


def test_the_probe_sees_a_process_without_walls():
    with Jail(sandbox=False) as bare:
        breaches = probe(bare)
    assert {"reads a file outside", "opens a connection", "signals a process outside"} <= set(
        breaches
    )
    with pytest.raises(NoJail, match="reads a file outside"):
        require_walls(Jail(sandbox=False))


@pytest.mark.parametrize(
    ("flag", "breach"),
    [
        ("--unshare-all", "opens a connection"),
        ("--disable-userns", "makes a user namespace"),
        ("--cap-drop", "holds privileges"),
    ],
)
def test_the_probe_sees_a_single_wall_that_is_missing(jail, monkeypatch, flag, breach):
    flags = list(jail_module.FLAGS)
    place = flags.index(flag)
    if flag == "--unshare-all":
        flags[place : place + 1] = ["--unshare-pid", "--unshare-uts"]
    elif flag == "--cap-drop":
        flags[place + 1] = "CAP_CHOWN"
    else:
        flags.remove(flag)
    monkeypatch.setattr(jail_module, "FLAGS", tuple(flags))
    monkeypatch.setattr(seccomp, "program", lambda: b"")  # the second wall would hold as well
    monkeypatch.setattr(jail_module, "STOP_SECONDS", 3.0)  # a weak jail may not be able to end
    with Jail() as weak:
        assert breach in probe(weak)


def test_the_course_that_comes_with_the_kit_is_not_in_the_jail(jail, monkeypatch):
    folder = jail_module.KIT / "olympus_kit" / "course" / "grade" / "templates"
    facts = {"secret": str(folder / "base.html")}

    def reads(some):
        with some.visit("probe") as visit:
            visit.channel.send(json.dumps(facts).encode())
            return "reads a file outside" in visit.channel.receive_json(30.0)

    assert reads(jail)
    monkeypatch.setattr(jail_module, "HIDDEN", folder)
    with Jail() as other:
        assert not reads(other)


def test_an_environment_behind_a_link_has_a_jail(jail, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(sys.prefix)
    code = (
        "from olympus_kit.course.grade.jail import Jail\n"
        "from olympus_kit.course.grade.probe import probe\n"
        "with Jail() as jail: print(probe(jail))"
    )
    python = link / "bin" / ".." / "bin" / "python"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_of_what_was_compiled_only_operations_are_shown(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    digest = 64 * "0"
    entry = lambda name: f"jit_{name}-{digest}-cache"
    for name in ("sin", "_where", "matmul", "divide", "scan", "_lambda", "softplus", "solved"):
        (cache / entry(name)).write_text(name)
    (cache / "notes.txt").write_text("of somebody")
    shown = Operations(cache, frozenset({"divide"}))
    shown.refresh()
    folder = Path(shown.folder.name)
    assert {path.read_text() for path in folder.iterdir()} == {"sin", "_where", "matmul"}
    (cache / entry("cos")).write_text("cos")
    shown.refresh()
    assert (folder / entry("cos")).exists()
    shown.cleanup()
    assert not folder.exists()
    assert (cache / entry("sin")).exists()


def test_without_bubblewrap_nothing_starts(monkeypatch):
    monkeypatch.setattr(jail_module.shutil, "which", lambda _: None)
    monkeypatch.setattr(jail_module.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(NoJail, match="bubblewrap is missing"):
        jail_module.bubblewrap()


def test_a_jail_that_does_not_start_is_told(jail, monkeypatch):
    monkeypatch.setattr(jail_module, "FLAGS", ("--no-such-flag",))
    with pytest.raises(NoJail, match="did not start"), Jail().visit("probe"):
        raise AssertionError("never reached")


def test_a_frame_that_is_too_long_or_no_json_is_refused(jail):
    with jail.visit("probe") as visit:
        visit.channel.send(b"{}")
        with pytest.raises(Gone, match="bytes"):
            visit.channel.receive(10.0, most=0)
