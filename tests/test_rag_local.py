"""A model in a Hugging Face folder: a tiny one with weights drawn at random, made here, is read and continues a chat."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sevenstep.errors import InputError
from sevenstep.project import Project
from sevenstep.tasks.rag.answering.material import Words
from sevenstep.tasks.rag.found import Passage
from sevenstep.tasks.rag.generating.generator import GeneratingAnswerer, Writing
from sevenstep.tasks.rag.generating.local import LocalModel

WORDS = [
    "the",
    "oil",
    "is",
    "changed",
    "every",
    "500",
    "hours",
    "how",
    "often",
    "[1]",
    ".",
    "NO",
    "ANSWER",
    "Answer",
    ":",
    "question",
    "rules",
]
CHAT = [{"role": "system", "content": "rules"}, {"role": "user", "content": "how often is the oil changed"}]
TEMPLATE = "{% for message in messages %}{{ message['content'] }} . {% endfor %}{% if add_generation_prompt %}Answer :{% endif %}"


def transformers() -> Any:
    pytest.importorskip("torch", reason="torch is an extra: pip install 'sevenstep[local]'")
    return pytest.importorskip("transformers", reason="transformers is an extra: pip install 'sevenstep[local]'")


def made_model(folder: Path, *, template: str = "") -> Path:
    """A GPT-2 of two layers over twenty words, with its tokenizer."""
    library = transformers()
    import torch
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import WhitespaceSplit

    names = ["<end>", "<unknown>", *dict.fromkeys(WORDS)]
    cutter = Tokenizer(WordLevel({name: at for at, name in enumerate(names)}, unk_token="<unknown>"))
    cutter.pre_tokenizer = WhitespaceSplit()
    tokenizer = library.PreTrainedTokenizerFast(
        tokenizer_object=cutter, unk_token="<unknown>", eos_token="<end>", pad_token="<end>"
    )
    if template:
        tokenizer.chat_template = template
    torch.manual_seed(7)
    sizes = {"vocab_size": len(names), "n_positions": 256, "n_embd": 16, "n_layer": 2, "n_head": 2}
    model = library.GPT2LMHeadModel(library.GPT2Config(**sizes, bos_token_id=0, eos_token_id=0, pad_token_id=0))
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder


def greedy(folder: Path, text: str, count: int) -> str:
    """The likeliest next word again and again, until the end or ``count`` words."""
    library = transformers()
    import torch

    tokenizer = library.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    model = library.AutoModelForCausalLM.from_pretrained(folder, local_files_only=True).eval()
    tokens = tokenizer(text, return_tensors="pt")["input_ids"]
    said: list[int] = []
    with torch.no_grad():
        while len(said) < count:
            following = int(model(tokens).logits[0, -1].argmax())
            said.append(following)
            if following == 0:
                break
            tokens = torch.cat([tokens, torch.tensor([[following]])], dim=1)
    return str(tokenizer.decode(said, skip_special_tokens=True)).strip()


def test_without_temperature_the_likeliest_words_are_said(tmp_path: Path) -> None:
    folder = made_model(tmp_path / "tiny")
    with LocalModel.open(folder) as model:
        reply = model.chat(CHAT, str(folder), max_tokens=8)
    text = "rules\n\nhow often is the oil changed\n\nAnswer:"
    assert reply.text == greedy(folder, text, 8)
    assert (reply.sent, reply.usd) == (8, 0.0)
    assert 1 <= reply.received <= 8


def test_a_chat_template_of_the_folder_is_kept(tmp_path: Path) -> None:
    folder = made_model(tmp_path / "tiny", template=TEMPLATE)
    with LocalModel.open(folder) as model:
        reply = model.chat(CHAT, str(folder), max_tokens=8)
    assert reply.text == greedy(folder, "rules . how often is the oil changed . Answer :", 8)


def test_with_temperature_a_seed_says_the_same_again_and_another_something_else(tmp_path: Path) -> None:
    folder = made_model(tmp_path / "tiny")
    with LocalModel.open(folder) as model:
        said = [model.chat(CHAT, str(folder), temperature=2.0, max_tokens=12, seed=seed).text for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]


def test_what_it_writes_is_held_to_what_it_cites_as_that_of_any_model(tmp_path: Path) -> None:
    folder = made_model(tmp_path / "tiny", template=TEMPLATE)
    oil = "The oil is changed every 500 hours."
    answerer = GeneratingAnswerer(Writing(str(folder), "rules", max_tokens=8), Words.of([oil], korean=False), "en")
    answer = answerer.answer("How often is the oil changed?", [Passage("d1", "", oil, 0, len(oil), 1.0)])
    assert answer.refused or answer.citations  # a model of random weights: most likely a refusal, never an uncited claim


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    transformers()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no model that can be read"):
        LocalModel.open(tmp_path / "empty")


def test_folders_of_models_start_from_the_folder_of_the_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "sevenstep.yaml").write_text(
        """spec: 1
name: written
task: rag
data: {format: squad, source: questions.json}
rag: {local: models/writer, retrieve: {embedding: models/encoder, reranker: /models/grader}}
kpis: [{id: answered, metric: answer_f1, goal: ">= 0.5"}]
"""
    )
    for place, name in ((tmp_path, "project"), (tmp_path / "project", "sevenstep.yaml")):
        monkeypatch.chdir(place)
        section = Project(name).spec.section
        assert section.local == str(tmp_path / "project" / "models" / "writer")
        assert section.retrieve.embedding == str(tmp_path / "project" / "models" / "encoder")
        assert section.retrieve.reranker == "/models/grader"
    assert Project(name, overrides=["rag.local=other"]).spec.section.local == str(tmp_path / "project" / "other")
