"""A detector's score beside nearest neighbours and PCA, in words, a table and curves.

In: a `Contest`. Out: a `Section`, which says plainly which score is better.
"""

from __future__ import annotations

from isthmus.models.judged import Judged
from isthmus.models.rivals import KNN, NEIGHBOURS, PCA, Contest
from isthmus.views import detection_plots as plots
from isthmus.views import page
from isthmus.views.sections import Section
from isthmus.views.words import count, joined, percent

MADE_OF = {
    KNN: f"k-NN: the mean distance to the {NEIGHBOURS} nearest of the rows that the detector keeps, in standardised columns "
    "(of signals: of their smoothed samples)",
    PCA: "PCA: the reconstruction error of PCA of the size of the model inside",
}


def with_labels(contest: Contest, judged: Judged) -> Section:
    """How the scores rank the rows that are labelled anomalies."""
    flagged, odd = int(judged.flagged.sum()), int(contest.odd.sum())
    threshold = judged.detector.threshold_
    charts = plots.roc_chart(contest, threshold), plots.precision_chart(contest, threshold)
    figures = "".join(page.figure(chart, with_legend=False) for chart in charts)
    rows = []
    for way in contest.ways:
        precision, recall = contest.found(way, flagged)
        quality = f"{contest.auroc(way):.3f}", f"{contest.average_precision(way):.3f}"
        rows.append((way.name, *quality, percent(precision), percent(recall)))
    head = ("Score", "AUROC", "Average precision", "Precision", "Recall")
    body = (
        _verdict(contest)
        + page.paragraph(
            f"{_pairs(contest)} {odd:,} of the {count(len(contest.odd), 'row')} are labelled anomalies.", "lead"
        )
        + page.legend(charts[0])
        + f'<div class="pair">{figures}</div>'
        + page.table(head, rows)
        + page.paragraph(
            f"Precision and recall of isthmus are those at its threshold (the dot), where {count(flagged, 'row')} are flagged; of "
            "the others, where as many rows of their highest scores are.",
            "fine",
        )
        + _made_of(contest)
    )
    rivals = joined([way.name for way in contest.ways[1:]] or ["chance"])
    return Section("ranking", f"Against {rivals}", body, charts)


def without_labels(contest: Contest, judged: Judged) -> Section:
    """How the scores tell rows from copies with shuffled columns."""
    chart = plots.roc_chart(contest, None, "shuffled")
    rows = [(way.name, f"{contest.auroc(way):.3f}") for way in contest.ways]
    what = "each pixel" if judged.pictures else "each column"
    words = (
        f"There are no labels, so this is a stand-in: the rows of this report against copies of them in which the values of {what} "
        "are shuffled among the rows. Every single value of a copy is an ordinary one, but they do not go together. A score that "
        "tells the copies apart knows how columns hang together; on anomalies of other kinds another may be the best. Give "
        "labels=... for a test on real anomalies."
    )
    body = (
        _verdict(contest, stand_in=True)
        + page.paragraph(_pairs(contest, "a shuffled copy", "a row"), "lead")
        + page.beside(chart, words)
        + page.table(("Score", "AUROC"), rows)
        + _made_of(contest)
    )
    return Section("ranking", "Rows against copies with shuffled columns", body, (chart,))


def _verdict(contest: Contest, *, stand_in: bool = False) -> str:
    """Who is better, where chance hardly explains it; a test that is a stand-in gives no advice."""
    ours, *others = contest.ways
    if not others:
        return page.paragraph("The detector keeps neither rows nor PCA to compare its score with.")
    margins = {other.name: contest.margin(ours, other) for other in others}
    better = [name for name, (difference, sure) in margins.items() if sure and difference > 0]
    worse = [name for name, (difference, sure) in margins.items() if sure and difference < 0]
    same = [name for name, (_, sure) in margins.items() if not sure]
    if worse:
        said = f"{joined(worse)} {'is' if len(worse) == 1 else 'are'} better here"
        of = "the shuffled copies" if stand_in else "the anomalies"
        advice = f"On these rows the classical score of {joined(worse)} tells {of} apart better than isthmus does"
        advice += "." if stand_in else ": prefer it here."
        return page.paragraph(said, "verdict") + page.paragraph(advice, "warning")
    if same:
        said = f"About as good as {joined(same)}" + (f", better than {joined(better)}" if better else "")
        return page.paragraph(said, "verdict")
    return page.paragraph(f"Better than {joined(better)}", "verdict")


def _pairs(contest: Contest, anomaly: str = "an anomaly", normal: str = "a normal row") -> str:
    shares = [f"{way.name} in {percent(contest.auroc(way))}" for way in contest.ways]
    return f"Of all pairs of {anomaly} and {normal}, the score of the former is higher by {joined(shares)} (AUROC)."


def _made_of(contest: Contest) -> str:
    names = [way.name for way in contest.ways]
    made = [MADE_OF[name] for name in names if name in MADE_OF]
    words = f"{'; '.join(made)}. " if made else ""
    words += "One is called better where chance explains the difference in 1 case of 20 at most."
    if KNN not in names:
        words += " There is no k-NN beside it, because the detector does not keep rows as they are."
    return page.paragraph(words, "fine")
