"""Nested learning: parts of one learner that change at different speeds, each a memory of its own.

Behrouz, Razaviyayn, Zhong & Mirrokni 2025 (arXiv 2512.24695). *Fast* parts change often and fade,
*slow* parts change seldom and hold; we never number the levels, since the paper numbers them both
ways.

    θ   weights                    m   momentum: what an optimiser remembers of past gradients
    g   gradient of the loss       μ   how much of m goes on (its *keep*)
    η   learning rate              C   update period: a part changes once in C steps
"""

from clcourse.nested.continuum import ContinuumLearner, ContinuumMemory
from clcourse.nested.delta import delta_descent, delta_momentum, recall_by_key
from clcourse.nested.fading import FadingWeights
from clcourse.nested.frequency import chunk_distance, power_of_rate
from clcourse.nested.hope import Hope
from clcourse.nested.in_context import InContext
from clcourse.nested.levels import Clock, Levels, SignDescent
from clcourse.nested.m3 import M3
from clcourse.nested.online import OnlineMLP
from clcourse.nested.optimisers import DeltaDescent, DeltaMomentum, Momentum, Muon
from clcourse.nested.rules import (
    momentum,
    momentum_loss,
    momentum_window,
    newton_schulz,
    second_moment,
)
from clcourse.nested.self_modifying import write
from clcourse.nested.sequences import counted, practise_sequences, relabelled, share_right
from clcourse.nested.writing import WritingLayer

__all__ = [
    "Clock",
    "ContinuumLearner",
    "ContinuumMemory",
    "DeltaDescent",
    "DeltaMomentum",
    "FadingWeights",
    "Hope",
    "InContext",
    "Levels",
    "M3",
    "Momentum",
    "Muon",
    "OnlineMLP",
    "SignDescent",
    "WritingLayer",
    "chunk_distance",
    "counted",
    "delta_descent",
    "delta_momentum",
    "momentum",
    "momentum_loss",
    "momentum_window",
    "newton_schulz",
    "power_of_rate",
    "practise_sequences",
    "recall_by_key",
    "relabelled",
    "second_moment",
    "share_right",
    "write",
]
