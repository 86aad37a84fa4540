"""The frame of the evaluation: sections are found, gates decide the exit code, absent data leaves the page alone."""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path

import pytest

from tests.evaluation import __main__ as command
from tests.evaluation.catalogue_dirt import KNOWN, count
from tests.evaluation.page import page
from tests.evaluation.same_song import JUDGED_METHODS, NEAR, PER_METHOD, Pair, precision, sample, wilson
from tests.evaluation.sections import SECTIONS, Gate, Section
from tests.worlds import CATALOGUE_HEADER

MET = Gate("accuracy", "at least .40", ".41", is_met=True)
MISSED = Gate("ECE", "at most .03", ".05", is_met=False)


def section(*gates: Gate) -> Section:
    return Section("Title", "How.", ("method", "accuracy"), (("majority", ".30"), ("ours", ".41")), gates, ("Note.",))


@pytest.mark.parametrize("name", SECTIONS.values())
def test_every_section_is_a_module_with_one_function(name: str) -> None:
    module = importlib.import_module(f"tests.evaluation.{name}")
    assert callable(module.measure)
    assert module.__doc__


def test_the_page_has_tables_notes_and_gates() -> None:
    text = page({"D": section(MET, MISSED)})
    assert "| D | accuracy | at least .40 | .41 | met |" in text
    assert "| D | ECE | at most .03 | .05 | **not met** |" in text
    assert "## D. Title\n\nHow.\n\n| method | accuracy |\n| --- | --- |\n| majority | .30 |" in text
    assert text.endswith("\nNote.\n")


def test_a_page_takes_the_place_of_single_sections() -> None:
    before = page({"D": section(MET), "E": section(MISSED), "M": section()})
    assert page({}, before) == before
    assert page({"D": section(MET), "M": section()}, page({"E": section(MISSED)})) == before
    assert page({"E": section(MET, MET)}, before) == page({"D": section(MET), "E": section(MET, MET), "M": section()})


def test_absent_data_leaves_the_page_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "quality.md"
    out.write_text("as it was")
    assert command.main(["--shared", str(tmp_path / "nowhere"), "--out", str(out)]) == command.NO_DATA
    assert out.read_text() == "as it was"
    assert "nothing was measured" in capsys.readouterr().err


@pytest.mark.parametrize(("gates", "code"), [((MET,), command.ALL_MET), ((MET, MISSED), command.GATE_MISSED)])
def test_gates_decide_the_exit_code_and_a_full_run_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], gates: tuple[Gate], code: int
) -> None:
    monkeypatch.setattr(command, "measured", lambda *_: section(*gates))
    out = tmp_path / "docs" / "quality.md"
    places = ["--shared", str(tmp_path), "--out", str(out)]
    assert command.main([*places, "--only", "d"]) == code
    assert not out.exists()
    assert command.main([*places, "--only", "e", "--write"]) == code
    assert out.read_text() == page({"E": section(*gates)})
    assert command.main(places) == code
    assert out.read_text() in capsys.readouterr().out


def test_an_unknown_section_is_a_wrong_call(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--shared", str(tmp_path), "--only", "Z"])
    assert ended.value.code == 2
    assert "there are A, B, C, D, E, F, G, H, I, J, K, L, M" in capsys.readouterr().err


def test_the_dirt_of_a_small_file_is_counted(tmp_path: Path) -> None:
    features = "0.5,0.5,1,-7,1,0.1,0.1,0,0.1,0.5,120.0,4"
    failed = "0,0.5,1,-7,1,0.1,0.1,0,0.1,0,0,0"
    lines = [
        f"0,one,A,LP,T,5,1000,False,{features},pop",
        f"1,one,A,LP,T,5,1000,False,{features},pop",  # a full duplicate
        f"2,one,A,LP,T,6,1000,False,{features},soul",  # another genre
        f"3,two,A,EP,T,5,1000,False,{features},pop",  # the same recording
        f"4,none,,,,5,1000,False,{features},pop",
        f"5,bad,A,LP,U,5,1000,False,{failed},pop",
    ]
    path = tmp_path / "catalogue.csv"
    path.write_text("\n".join([CATALOGUE_HEADER, *lines]) + "\n")
    assert list(count(path).values()) == [2, 1, 1, 1, 1, 2, 4]
    assert list(count(path)) == list(KNOWN)


def test_the_sample_is_the_same_every_time_and_says_nothing_of_methods() -> None:
    methods = (*JUDGED_METHODS, NEAR, "artist")
    pairs = [Pair((f"artist {n}", "title"), ("artist", f"title {n}"), methods[n % len(methods)]) for n in range(700)]
    drawn = sample(pairs)
    assert drawn == sample(pairs)
    assert Counter(pair.method for pair in drawn) == dict.fromkeys((*JUDGED_METHODS, NEAR), PER_METHOD)
    assert len({pair.hash for pair in drawn}) == len(drawn)
    assert [pair.method for pair in drawn] != sorted(pair.method for pair in drawn)


def test_precision_counts_judged_pairs_by_the_method_of_today() -> None:
    one, other = Pair(("a", "b"), ("A", "B"), "letters"), Pair(("a", "c"), ("A", "D"), "similar")
    assert precision([one, other], {one.hash: True, other.hash: False, "gone": True}) == {
        "letters": (1, 1),
        "similar": (0, 1),
    }
    low, high = wilson(50, 50)
    assert (round(low, 3), high) == (0.929, 1.0)
