"""A memory that corrects itself as it reads: the neural long-term memory of Titans.

Behrouz, Zhong & Mirrokni 2024 (arXiv 2501.00663). Numbers in brackets are the paper's equations.

    k, v, q  key, value and query of a token             M  the memory: a matrix, or the weights of
    θ        how strongly a surprise is written (10)        a small MLP; what it says of k is M(k)
    η        how much of past surprise goes on (10)      S  surprise that is still going on (10)
    α        how much is forgotten (13)                  t  the token; state before it: M_{t-1}

    surprise   ∇ℓ with ℓ = ½ |M_{t-1}(k_t) - v_t|²       (12; the ½ is that of the appendix)
    momentum   S_t = η_t S_{t-1} - θ_t ∇ℓ                (10)
    memory     M_t = (1 - α_t) M_{t-1} + S_t             (13)
    reading    y_t = M_t(q_t)                            (15)

`token_loop` is these lines, `linear_memory` the same much faster, `deep_memory` the MLP;
`NeuralMemory` is the layer around it and `Titan` a network: MAC, MAG or MAL.
"""

from clcourse.memory.chunks import linear_memory
from clcourse.memory.deep import DeepState, deep_memory
from clcourse.memory.layer import Carried, NeuralMemory, Seen
from clcourse.memory.recurrence import State, Watched, token_loop
from clcourse.memory.titans import Titan

__all__ = [
    "Carried",
    "DeepState",
    "NeuralMemory",
    "Seen",
    "State",
    "Titan",
    "Watched",
    "deep_memory",
    "linear_memory",
    "token_loop",
]
