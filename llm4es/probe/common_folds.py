"""Folds that do not depend on who has the features.

In: a protocol, the cohort with features, the whole one. Out: fits, as rows of the cohort with features. Knows no
features.
"""

from dataclasses import replace

import numpy as np

from ..core.errors import ProbeError
from ..options import ProbeOptions
from .cohort import Cohort
from .metrics import Ints
from .protocols import Fit, Protocol


def fits_of(protocol: Protocol, cohort: Cohort, whole: Cohort, options: ProbeOptions, name: str) -> list[Fit]:
    """The fits of a protocol on the features ``name``, which the entities of ``cohort`` have.

    Folds are made of the ``whole`` cohort, then those who lack the features are dropped from them: whoever is scored is
    scored in the same fold whatever the features, and a published split stays the published one.
    """
    if whole is cohort:
        return protocol.fits(cohort, options)
    place = {entity: row for row, entity in enumerate(cohort.entity_ids)}
    rows = np.array([place.get(entity, -1) for entity in whole.entity_ids])  # (everybody,)

    def kept(part: Ints) -> Ints:
        found: Ints = rows[part][rows[part] >= 0]
        return found

    fits = [
        replace(
            fit,
            train=kept(fit.train),
            test=kept(fit.test),
            validation=None if fit.validation is None else kept(fit.validation),
        )
        for fit in protocol.fits(whole, options)
    ]
    for fit in fits:
        alone = [fit.train] if fit.validation is None else [fit.train, fit.test, fit.validation]
        lacking = {str(y) for part in alone for y in set(cohort.y) - set(cohort.y[part]) if cohort.classes}
        if lacking or not len(fit.test) or not len(fit.train):
            missing, what = len(rows) - len(place), f"class '{min(lacking)}'" if lacking else "entities"
            raise ProbeError(
                f"{missing} of {len(rows)} labelled entities lack the features '{name}', which leaves a fold without "
                f"{what}: make them for more entities"
            )
    return fits
