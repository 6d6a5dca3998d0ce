"""Nested learning: parts of one learner that change at different speeds, each a memory of its own.

Behrouz, Razaviyayn, Zhong & Mirrokni 2025 (arXiv 2512.24695). *Fast* parts change often and fade,
*slow* parts change seldom and hold; we never number the levels, since the paper numbers them both
ways.

    θ   weights                    m   momentum: what an optimiser remembers of past gradients
    g   gradient of the loss       μ   how much of m goes on (its *keep*)
    η   learning rate              C   update period: a part changes once in C steps
"""
