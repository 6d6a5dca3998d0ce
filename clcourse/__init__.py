"""Teaching AI to Learn: continual learning as experiments that you can run, with error bars.

`history = cl.run(learner, stream)` is the one sentence. Names are looked up when they are first
used (PEP 562), so `import clcourse as cl` is quick and brings in no torch.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

_rooms = {
    "errors": "CourseError",
    "seeds": "LaneRandom device generator lane_ids progress source",
    "metrics": "Estimate average_accuracy backward_transfer backward_transfer_all estimate "
    "forgetting forgetting_first_minus_last forgetting_from_all_rows forward_accuracy "
    "forward_transfer intransigence learning_accuracy lower_triangle_accuracy paired",
    "streams": "Experience Stream cumulative",
    "worlds": "hidden_parity paired_lists permuted_digits relabelled_digits split_digits turned",
    "facts": "Facts World text tokens",
    "pairs": "Pairs draw_pairs",
    "nets": "MLP mlp",
    "transformer": "TinyTransformer tiny_transformer",
    "replay": "Reservoir",
    "regularise": "EWC LwF Penalty SI fisher",
    "retrieval": "Hit NoteStore",
    "learner": "SGD Change GradientLearner Learner cross_entropy",
    "memory": "Carried DeepState NeuralMemory Seen State Titan Watched deep_memory linear_memory "
    "token_loop",
    "lora": "WithNotes add_lora merge unmerge",
    "pretraining": "",
    "reading": "grow_up grown_up reading_list reads recall with_context",
    "remembering": "practise practised remembers",
    "teaching": "Taught teach",
    "slots": "OnlySlots SlotTransformer only_slots slot_transformer slot_uses tf_idf top_slots",
    "baselines": "ClassMeans NearestNeighbour StreamingLDA StreamingRidge",
    "memory_learner": "MemoryCore MemoryLearner learn_to_write",
    "open_book": "NotedExamples OpenBook",
    "averages": "Average TwoAverages",
    "preferences": "OddOrEven Preferences Tuned ask_people bradley_terry_loss dpo_loss draw kl "
    "log_probability optimum policy_gradient_loss tune tune_until win_rate",
    "assistant": "Assistant crowd pretrained_assistant",
    "nested": "Clock ContinuumLearner ContinuumMemory DeltaDescent DeltaMomentum FadingWeights "
    "Hope InContext Levels M3 Momentum Muon OnlineMLP SignDescent WritingLayer counted "
    "momentum_window newton_schulz practise_sequences recall_by_key relabelled share_right",
    "associative": "bind k_winners look_up overlap unbind",
    "hopfield": "HopfieldNetwork SparseHopfield capacity damaged draw_patterns",
    "attention": "linear_attention linear_attention_loop",
    "regions": "Codes Gauge",
    "hippocampus": "Hippocampus",
    "complementary": "Episodes Neocortex TwoSystems sparse_codes",
    "sleep": "",
    "evaluate": "Cost History run",
    "autopsy": "Autopsy Probe accuracy accuracy_told examine first_step life plant probe told "
    "watch",
    "transplant": "Transplant memory_transplant",
    "claims": "Claim Rule Verdict Verdicts",
    "exercises": "check guess hint",
    "contents": "CourseMap course_map",
}
_home = {name: room for room, names in _rooms.items() for name in names.split()}
_modules = (*_rooms, "plots", "explore", "results")

__all__ = sorted({*_home, *_modules})


def __getattr__(name: str):
    """A public name from its room, or a room by its name."""
    if name in _home:
        return getattr(importlib.import_module(f"{__name__}.{_home[name]}"), name)
    if name in _modules:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"clcourse has no {name!r}")


def __dir__() -> list[str]:
    return __all__
