"""The command line: what it writes is what the library says, and what it refuses is one line."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import pandas as pd
import pytest

import bayesml as bm
from bayesml.cli import commands, main
from bayesml.cli.arguments import parser

REPOSITORY = Path(__file__).resolve().parents[1]
PENGUINS = REPOSITORY / "examples" / "data" / "penguins.csv"
FORMULA = "body_mass_g ~ flipper_length_mm + species"

Run = Callable[..., tuple[int, str, str]]


def test_the_guide_names_every_option_and_choice() -> None:
    guide = (REPOSITORY / "docs/guides/command_line.md").read_text(encoding="utf-8")
    (found,) = (a for a in parser()._actions if isinstance(a.choices, dict))
    for command in found.choices.values():
        for option in command._actions:
            own = [f"`{name}" for name in option.option_strings[-1:] if name != "--help"]
            for word in (*own, *(option.choices or ())):
                assert re.search(rf"{re.escape(word)}(?![\w-])", guide), word


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line here; give its exit code, output and errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # argparse
            code = int(stop.code or 0)
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw none: where numbers and words are looked at."""
    monkeypatch.setattr(commands, "_pictures", lambda fit, options: [])


@pytest.fixture(scope="module")
def birds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table without missing values, small enough to be quick."""
    path = tmp_path_factory.mktemp("data") / "birds.csv"
    pd.read_csv(PENGUINS).dropna().iloc[::4].to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def fitted(birds: Path) -> bm.Fit:
    data = bm.Data.from_formula(FORMULA, pd.read_csv(birds))
    return bm.fit(bm.Model(), data, rng=1)


def columns(prediction: bm.Prediction, probability: float) -> np.ndarray[Any, Any]:
    """The numbers of a table of predictions."""
    return np.column_stack(
        [
            prediction.mean,
            prediction.sd,
            prediction.epistemic_sd,
            prediction.aleatoric_sd,
            *prediction.interval(probability),
        ]
    )


def test_fit_writes_what_the_library_says(
    run: Run, birds: Path, fitted: bm.Fit, tmp_path: Path
) -> None:
    code, out, err = run("fit", birds, FORMULA, "--seed", 1, "--out", tmp_path / "a" / "b")
    assert (code, err) == (0, "")
    written = tmp_path / "a" / "b"
    pictures = {"posterior.png", "fit.png", "ppc.png", "residuals.png"}
    names = {"fit.nc", "summary.csv", "predictions.csv"} | pictures
    assert {path.name for path in written.iterdir()} == names
    assert all(f"\n  {name} " in out for name in names)
    summary = pd.read_csv(written / "summary.csv", index_col="parameter")
    pd.testing.assert_frame_equal(summary, fitted.summary(), check_names=False, rtol=1e-12)
    table = pd.read_csv(written / "predictions.csv")
    assert list(table["row"]) == list(range(fitted.data.m))
    assert np.array_equal(table["observed"], fitted.data.y)
    expected = columns(fitted.predict(pd.read_csv(birds)), 0.9)
    assert table.iloc[:, 2:].to_numpy() == pytest.approx(expected, rel=1e-12)
    assert list(table.columns[-2:]) == ["5%", "95%"]
    for name in names:
        if name.endswith(".png"):
            assert (written / name).read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("no_pictures")
def test_fit_prints_the_model_the_table_and_the_checks(
    run: Run, birds: Path, fitted: bm.Fit, tmp_path: Path
) -> None:
    _, out, _ = run("fit", birds, FORMULA, "--seed", 1, "--out", tmp_path)
    assert "y ~ Normal(η, σ)" in out
    assert "weights[flipper_length_mm] ~ Normal(0, " in out
    assert str(fitted).split("\n\n")[0] in out
    assert str(fitted.check()) in out
    assert re.search(r"\d\.\d{8}", out) is None, "a number is printed to all its digits"


@pytest.mark.usefixtures("no_pictures")
def test_saved_fit_is_read_by_arviz_and_predicts_the_same(
    run: Run, birds: Path, fitted: bm.Fit, tmp_path: Path
) -> None:
    run("fit", birds, FORMULA, "--seed", 1, "--out", tmp_path)
    tree = az.from_netcdf(tmp_path / "fit.nc")
    read, table = az.summary(tree, round_to="none"), fitted.summary()
    assert np.all(np.abs(read["mean"].to_numpy() - table["mean"]) < 0.1 * table["sd"])
    new = pd.read_csv(birds).iloc[[5, 0, 17]]
    new[["species", "flipper_length_mm", "island"]].to_csv(tmp_path / "new.csv", index=False)
    out_file = tmp_path / "deep" / "predictions.csv"
    code, out, _ = run(
        "predict",
        tmp_path / "fit.nc",
        tmp_path / "new.csv",
        "--out",
        out_file,
        "--probability",
        0.5,
    )
    assert code == 0
    assert "Wrote 3 predictions of body_mass_g" in out
    table = pd.read_csv(out_file)
    assert table.iloc[:, 1:].to_numpy() == pytest.approx(
        columns(fitted.predict(new), 0.5), rel=1e-12
    )
    assert list(table.columns[-2:]) == ["25%", "75%"]


def test_predict_prints_every_row_when_it_writes_none(
    run: Run, birds: Path, fitted: bm.Fit, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "fit.nc")
    code, out, err = run("predict", tmp_path / "fit.nc", birds)
    assert (code, err) == (0, "")
    lines = out.strip().split("\n")
    assert len(lines) == 1 + fitted.data.m
    assert lines[1].split()[1] == f"{fitted.predict(pd.read_csv(birds)).mean[0]:.0f}"


@pytest.mark.parametrize("suffix", [".tsv", ".parquet", ".csv.gz"])
def test_other_kinds_of_tables(
    run: Run, birds: Path, fitted: bm.Fit, tmp_path: Path, suffix: str
) -> None:
    fitted.save(tmp_path / "fit.nc")
    path, frame = tmp_path / f"birds{suffix}", pd.read_csv(birds)
    match suffix:
        case ".parquet":
            frame.to_parquet(path)
        case ".tsv":
            frame.to_csv(path, sep="\t", index=False)
        case _:
            frame.to_csv(path, index=False)
    assert run("predict", tmp_path / "fit.nc", path) == run("predict", tmp_path / "fit.nc", birds)


@pytest.mark.parametrize(
    ("options", "kind", "picture"),
    [
        (("--method", "mle"), "least squares", "estimates.png"),
        (("--method", "map"), "posterior mode", "estimates.png"),
        (("--method", "exact"), "exact posterior", "posterior.png"),
        (("--method", "auto"), "Auto chose Exact()", "posterior.png"),
        (("--method", "map", "--family", "student-t"), "posterior mode", "estimates.png"),
    ],
)
def test_methods(
    run: Run, birds: Path, tmp_path: Path, options: tuple[str, ...], kind: str, picture: str
) -> None:
    code, out, _ = run("fit", birds, FORMULA, *options, "--seed", 1, "--out", tmp_path)
    assert code == 0
    assert kind in out
    assert (tmp_path / picture).exists()


def test_classes_have_a_reliability_diagram(run: Run, birds: Path, tmp_path: Path) -> None:
    options = ("--family", "categorical", "--method", "map", "--seed", 1, "--out", tmp_path)
    code, out, _ = run("fit", birds, "species ~ body_mass_g + sex", *options)
    assert code == 0
    assert "\n  reliability.png " in out
    assert (tmp_path / "reliability.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.usefixtures("no_pictures")
def test_nuts_takes_its_draws_and_its_seed(run: Run, birds: Path, tmp_path: Path) -> None:
    options = ("--method", "nuts", "--draws", 100, "--seed", 3)
    for name in ("one", "two"):
        code, out, _ = run("fit", birds, FORMULA, *options, "--out", tmp_path / name)
        assert code == 0
        assert "of 100 draws" in out
    one, two = ((tmp_path / name / "predictions.csv").read_text("utf-8") for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    "formula", ["body_mass_g ~ 1", "body_mass_g ~ species", "np.log(body_mass_g) ~ {year - 2008}"]
)
def test_formulas_without_a_plain_number(
    run: Run, birds: Path, tmp_path: Path, formula: str
) -> None:
    code, _, err = run("fit", birds, formula, "--seed", 1, "--out", tmp_path)
    assert (code, err) == (0, "")
    assert (tmp_path / "fit.png").exists()


@pytest.mark.usefixtures("no_pictures")
def test_fit_says_which_rows_it_drops(run: Run, tmp_path: Path) -> None:
    code, out, err = run("fit", PENGUINS, FORMULA, "--missing", "drop", "--out", tmp_path)
    assert code == 0
    assert err.startswith("bayesml: warning: dropped 2 of 344 rows with missing values: row 3,")
    assert err.count("\n") == 1
    assert "342 rows" in out
    assert 3 not in set(pd.read_csv(tmp_path / "predictions.csv")["row"])


@pytest.mark.usefixtures("no_pictures")
def test_numbers_with_stray_text_are_refused(run: Run, birds: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(birds).astype({"year": str})
    frame.loc[7, "year"] = "2OO8"
    frame.to_csv(tmp_path / "typo.csv", index=False)
    path, out = tmp_path / "typo.csv", tmp_path / "out"
    code, _, err = run("fit", path, "body_mass_g ~ year + sex", "--out", out)
    assert code == 2
    assert "column 'year' of typo.csv holds '2OO8' in row 7, but numbers elsewhere" in err
    assert "--na '2OO8'" in err
    options = ("--na", "2OO8", "--missing", "drop", "--out", out)
    code, _, err = run("fit", path, "body_mass_g ~ year + sex", *options)
    assert code == 0
    assert "dropped 1 of" in err
    code, _, _ = run("fit", path, "body_mass_g ~ sex", "--out", out)
    assert code == 0, "a column that is not used is nobody's business"


@pytest.mark.usefixtures("no_pictures")
def test_how_a_file_is_written_is_said_or_seen(run: Run, birds: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(birds)
    right = bm.fit(bm.Model(), bm.Data.from_formula(FORMULA, frame), bm.MLE()).summary()
    path, least = tmp_path / "b.csv", ("--method", "mle", "--out", tmp_path)
    frame.to_csv(path, sep=";", decimal=",", index=False, encoding="cp1252")
    said = ("--sep", ";", "--decimal", ",", "--encoding", "cp1252")
    for options in ((), said):
        code, _, err = run("fit", path, FORMULA, *least, *options)
        assert code == 0
        assert ("separated by ';'" in err) is (not options)
        found = pd.read_csv(tmp_path / "summary.csv", index_col="parameter")
        pd.testing.assert_frame_equal(found, right, check_names=False, rtol=1e-12)
    code, out, _ = run("fit", tmp_path / "b.csv", FORMULA, *least, "--weights", "year")
    assert code == 0
    assert "weighted" in out


@pytest.mark.usefixtures("no_pictures")
def test_precisions_are_a_column(run: Run, birds: Path, tmp_path: Path) -> None:
    """As the formula says them; new rows may have none."""
    asked = ["--precision", "year", "--seed", "1", "--out", tmp_path / "out"]
    code, out, _ = run("fit", birds, FORMULA, *asked)
    assert code == 0
    assert "exact posterior" in out
    rows = pd.read_csv(birds)
    left, right = FORMULA.split("~")
    expected = bm.fit(bm.Model(), bm.Data.from_formula(f"{left}| precision(year) ~{right}", rows))
    table = pd.read_csv(tmp_path / "out" / "summary.csv", index_col=0)
    np.testing.assert_allclose(table["mean"], expected.summary()["mean"], rtol=1e-12)
    new = rows.drop(columns="year")
    new.to_csv(tmp_path / "new.csv", index=False)
    fit, target = tmp_path / "out" / "fit.nc", tmp_path / "p.csv"
    code, _, _ = run("predict", fit, tmp_path / "new.csv", "--out", target)
    assert code == 0
    np.testing.assert_allclose(pd.read_csv(target)["sd"], expected.predict(new).sd, rtol=1e-9)


def test_predict_leaves_out_rows_when_asked(run: Run, fitted: bm.Fit, tmp_path: Path) -> None:
    fitted.save(tmp_path / "fit.nc")
    code, _, err = run("predict", tmp_path / "fit.nc", PENGUINS)
    assert code == 2
    assert "row 3, row 271" in err
    assert "--missing drop" in err
    code, out, err = run("predict", tmp_path / "fit.nc", PENGUINS, "--missing", "drop")
    assert code == 0
    assert "left out 2 of 344 rows" in err
    assert len(out.strip().split("\n")) == 1 + 342


def test_predictions_are_written_by_the_ending_of_their_name(
    run: Run, birds: Path, fitted: bm.Fit, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "fit.nc")
    for name, read in (("p.csv", pd.read_csv), ("p.parquet", pd.read_parquet)):
        assert run("predict", tmp_path / "fit.nc", birds, "--out", tmp_path / name)[0] == 0
        table = read(tmp_path / name)
        assert table["mean"].to_numpy() == pytest.approx(fitted.predict(pd.read_csv(birds)).mean)
    copy = tmp_path / "birds.csv"
    copy.write_bytes(birds.read_bytes())
    for out, complaint in (
        (copy, "is what is read; write to another file"),
        (tmp_path / "p.xlsx", "its name ends in none of .csv, .tsv, .tab, .parquet, .pq"),
        (tmp_path, "is a folder; give the name of a file"),
    ):
        code, _, err = run("predict", tmp_path / "fit.nc", copy, "--out", out)
        assert code == 2
        assert complaint in err
    assert copy.read_bytes() == birds.read_bytes()


def test_what_a_fit_reads_is_not_written_over(run: Run, birds: Path, tmp_path: Path) -> None:
    (tmp_path / "predictions.csv").write_bytes(birds.read_bytes())
    code, _, err = run("fit", tmp_path / "predictions.csv", FORMULA, "--out", tmp_path)
    assert code == 2
    assert "is what is read" in err
    assert (tmp_path / "predictions.csv").read_bytes() == birds.read_bytes()


def test_pictures_are_of_this_fit_and_of_the_kind_asked_for(
    run: Run, birds: Path, tmp_path: Path
) -> None:
    for name in ("estimates.png", "reliability.svg", "notes.png"):
        (tmp_path / name).write_text("earlier", encoding="utf-8")
    options = ("--draws", 50, "--format", "pdf", "--out", tmp_path)
    code, out, err = run("fit", birds, FORMULA, *options)
    assert code == 0
    assert "--draws 50 was of no use" in err
    pictures = {path.name for path in tmp_path.iterdir()} - {"fit.nc", "summary.csv"}
    made = {"posterior.pdf", "fit.pdf", "ppc.pdf", "residuals.pdf"}
    assert pictures == made | {"predictions.csv", "notes.png"}
    assert (tmp_path / "fit.pdf").read_bytes().startswith(b"%PDF")
    assert "estimates.png    of an earlier fit, removed" in out


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_many_rows_are_summarised(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr(commands, "MANY", 500)
    monkeypatch.setattr(commands, "PICTURED", 100)
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=1001), "g": rng.choice(list("abc"), 1001)})
    frame["y"] = frame.x + (frame.g == "b") + rng.normal(size=1001)
    path = tmp_path / f"many.{suffix}"
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    code, out, _ = run("fit", path, "y ~ x + g", "--by", "g", "--out", tmp_path / "out")
    assert code == 0
    assert "of 1001. --predictions writes those of all." in out
    assert not (tmp_path / "out" / "predictions.csv").exists()
    right = bm.fit(bm.Model(), bm.Data.from_formula("y ~ x + g", frame))
    found = pd.read_csv(tmp_path / "out" / "summary.csv", index_col="parameter")
    pd.testing.assert_frame_equal(found, right.summary(), check_names=False, rtol=1e-9)
    assert not bm.load(tmp_path / "out" / "fit.nc").data.in_memory
    frame.loc[7, "x"] = np.nan
    frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    options = ("--missing", "drop", "--out", tmp_path / "p.parquet")
    code, out, err = run("predict", tmp_path / "out" / "fit.nc", path, *options)
    assert code == 0
    assert "left out 1 of 1001 rows" in err
    table = pd.read_parquet(tmp_path / "p.parquet")
    assert list(table["row"]) == [k for k in range(1001) if k != 7]
    expected = right.predict(frame.drop(index=7)).mean
    assert table["mean"].to_numpy() == pytest.approx(expected, rel=1e-9)
    code, out, _ = run("fit", path, "y ~ g", "--predictions", "--out", tmp_path / "out")
    assert code == 0
    assert len(pd.read_csv(tmp_path / "out" / "predictions.csv")) == 1001


def test_demo(run: Run, tmp_path: Path) -> None:
    code, out, err = run("demo", "--out", tmp_path)
    assert code == 0
    assert "--missing drop" in out
    assert "dropped 11 of 344 rows" in err
    assert "Auto chose Exact()" in out
    table = pd.read_csv(tmp_path / "summary.csv", index_col="parameter")
    assert table.loc["weights[flipper_length_mm]", "mean"] == pytest.approx(20.03, abs=0.01)
    assert (tmp_path / "fit.png").exists()


def test_demo_finds_the_penguins_of_an_installed_wheel(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "_demo").mkdir()
    (tmp_path / "_demo" / "penguins.csv").write_text("nothing\n1\n", encoding="utf-8")
    monkeypatch.setattr(commands, "files", lambda package: tmp_path)
    code, _, err = run("demo", "--out", tmp_path / "out")
    assert code == 2
    assert "'body_mass_g' is not a column (there are: 'nothing')" in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("nowhere.csv", "y ~ x"), "there is no file 'nowhere.csv'"),
        (("nowhere/data.csv", "y ~ x"), "there is no folder 'nowhere' either"),
        ((PENGUINS.with_name("penguin.csv"), "y ~ x"), "(there are: 'penguins.csv')"),
        ((PENGUINS.parent, "y ~ x"), "is a folder"),
        ((REPOSITORY / "LICENSE", "y ~ x"), "its name ends in none of .csv"),
        ((PENGUINS, "body_mas_g ~ year"), "did you mean 'body_mass_g'?"),
        ((PENGUINS, "body_mass_g ~ yaer"), "did you mean 'year'?"),
        ((PENGUINS, "species ~ year"), "holds the classes"),
        ((PENGUINS, "body_mass_g ~ +* year"), "cannot be read"),
        ((PENGUINS, "body_mass_g"), "has no target"),
        ((PENGUINS, "year ~ body_mass_g"), "rows with --missing drop"),
        ((PENGUINS, "year ~ species", "--term", "body_mass_g"), "reads no column 'body_mass_g'"),
        ((PENGUINS, "year ~ species", "--by", "sex"), "reads no column 'sex'"),
        ((PENGUINS, "year ~ species", "--method", "mle", "--draws", "9"), "mle makes no draws"),
        ((PENGUINS, "year ~ species", "--out", PENGUINS), "a file is in the way"),
        (
            (PENGUINS, "year ~ species", "--method", "exact", "--family", "student-t"),
            "Use --method nuts to sample it, --method map for its mode, or --method auto",
        ),
        ((PENGUINS, "year ~ species + {0 * year}"), "is on both sides of '~'"),
    ],
)
def test_fit_refuses_in_one_line(
    run: Run, tmp_path: Path, arguments: tuple[object, ...], complaint: str
) -> None:
    extra = () if "--out" in arguments else ("--out", tmp_path / "out")
    code, out, err = run("fit", *arguments, *extra)
    assert (code, out) == (2, "")
    assert err.startswith("bayesml: error: ")
    assert err.count("\n") == 1
    assert complaint in err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "is empty"),
        (b"a,b\n", "has a header, 'a', 'b', but no rows"),
        (b"a,b\n1,2\n3,4,5\n", "line 3 of data.csv has 3 cells, but the header 2 names"),
        (b"a,b\n1,2,\n3,4\n", "line 2 of data.csv has 3 cells"),
        (b"a,b,b\n1,2,3\n", "calls its columns 2 and 3 alike, 'b'"),
        (b"a,,b\n1,2,3\n", "column 2 of data.csv has no name"),
        (b'a,b\n1,"2\n', "cannot be read as a table: unexpected end of data"),
        ("a,b\nä,1\n".encode("latin-1"), "give its encoding, for instance --encoding 'cp1252'"),
    ],
)
def test_files_that_are_no_tables(run: Run, tmp_path: Path, content: bytes, complaint: str) -> None:
    (tmp_path / "data.csv").write_bytes(content)
    code, _, err = run("fit", tmp_path / "data.csv", "a ~ b", "--out", tmp_path / "out")
    assert code == 2
    assert complaint in err


def test_predict_refuses_in_one_line(run: Run, fitted: bm.Fit, tmp_path: Path) -> None:
    fitted.save(tmp_path / "fit.nc")
    (tmp_path / "new.csv").write_text("species,flipper_length_mm\nDodo,200\n", encoding="utf-8")
    for arguments, complaint in (
        (("nowhere.nc", PENGUINS), "There is no file 'nowhere.nc'. `bayesml fit` writes one."),
        ((PENGUINS, PENGUINS), "is no fit, which comes first"),
        ((tmp_path, PENGUINS), "is a folder; the fit in it is"),
        ((PENGUINS.parent, PENGUINS), "is a folder; there is no fit.nc in it"),
        ((tmp_path / "fit.nc", tmp_path / "new.csv"), "species is 'Dodo' in row 0"),
    ):
        code, _, err = run("predict", *arguments)
        assert code == 2
        assert complaint in err
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "required: COMMAND"),
        (("fit", "data.csv"), "required: FORMULA"),
        (("fit", "data.csv", "y ~ x", "--method", "magic"), "invalid choice: 'magic'"),
        (("fit", "data.csv", "y ~ x", "--seed", "-1"), "not a whole number of at least 0"),
        (("fit", "data.csv", "y ~ x", "--draws", "0"), "not a whole number of at least 1"),
        (("fit", "data.csv", "y ~ x", "--probability", "90"), "not a probability between 0 and 1"),
        (("fit", "data.csv", "y", "~", "x"), 'a formula goes in quotes: "y ~ x"'),
        (("fit", "data.csv", "y ~ x", "--chains", "2"), "unrecognized arguments: --chains 2"),
        (("predict", "fit.nc"), "required: NEW"),
    ],
)
def test_wrong_usage(run: Run, arguments: tuple[str, ...], complaint: str) -> None:
    code, _, err = run(*arguments)
    assert code == 2
    assert complaint in err
    assert err.startswith("usage: bayesml")


@pytest.mark.parametrize("command", [(), ("fit",), ("predict",), ("demo",)])
def test_help(run: Run, command: tuple[str, ...]) -> None:
    code, out, err = run(*command, "--help")
    assert (code, err) == (0, "")
    assert max(map(len, out.split("\n"))) <= 100


def test_version_and_module() -> None:
    for start in (["-m", "bayesml"], [str(Path(sys.executable).with_name("bayesml"))]):
        command = [sys.executable, *start] if start[0] == "-m" else start
        if start[0] != "-m" and not Path(start[0]).exists():
            continue  # run from a checkout that is not installed
        done = subprocess.run(
            [*command, "--version"], capture_output=True, text=True, check=True, cwd=REPOSITORY
        )
        assert done.stdout.startswith("bayesml ")


@pytest.mark.parametrize(
    "stop", [KeyboardInterrupt(), bm.SamplingInterrupted("stopped in warm-up")]
)
def test_interrupt_ends_with_130(
    run: Run, birds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise stop

    monkeypatch.setattr(bm, "fit", interrupted)
    code, _, err = run("fit", birds, FORMULA, "--out", tmp_path)
    assert code == 130
    assert "Traceback" not in err


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX")
def test_ctrl_c_stops_sampling(birds: Path, tmp_path: Path) -> None:
    arguments = ["fit", str(birds), FORMULA, "--method", "nuts", "--draws", "1000000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bayesml", *arguments, "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
    )
    while not (tmp_path / "out").exists():  # made just before sampling starts
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.usefixtures("no_pictures")
def test_a_terminal_without_greek_letters(
    birds: Path, fitted: bm.Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", plain)
    assert main(["fit", str(birds), FORMULA, "--method", "mle", "--out", str(tmp_path)]) == 0
    plain.seek(0)
    assert "y ~ Normal(?, ?)" in plain.read()


@pytest.mark.usefixtures("no_pictures")
def test_a_failed_check_is_said(
    run: Run, birds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nuts = bm.NUTS(draws=30, tune=30, chains=2, progress=False)
    monkeypatch.setattr(commands, "_method", lambda name, draws: nuts)
    code, out, _ = run("fit", birds, FORMULA, "--out", tmp_path, "--seed", 1)
    assert code == 0
    assert "FAIL  " in out
    code, _, err = run("predict", tmp_path / "fit.nc", birds)
    assert code == 0
    assert "bayesml: warning: This prediction comes from a fit whose checks failed" in err
