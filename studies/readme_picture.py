"""Draw the picture of the README: two accuracy matrices, from the ten lines that stand there."""

from pathlib import Path

import clcourse as cl


def main() -> None:
    """Run the ten lines and write docs/two_matrices.png."""
    stream = cl.split_digits(seeds=20)
    forgetful = cl.GradientLearner(cl.mlp(64, 100, 10, seeds=20), lr=0.1)
    rehearsing = cl.GradientLearner(cl.mlp(64, 100, 10, seeds=20), lr=0.1, replay=cl.Reservoir(200))
    before, after = cl.run(forgetful, stream), cl.run(rehearsing, stream)
    figure = cl.plots.accuracy_matrix(
        before, after, names=["fine-tuning", "replay of 200 examples"]
    )
    figure.save(Path(__file__).parents[1] / "docs" / "two_matrices.png")
    print(figure)


if __name__ == "__main__":
    main()
