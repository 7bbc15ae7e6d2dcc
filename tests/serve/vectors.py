"""Vectors, which OpenAI's client asks for in base64."""

import os

import openai
from openai import OpenAI

client = OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["KEY"], max_retries=0, timeout=60)
found = client.embeddings.create(model="vectors", input=["a cat", "a dog", "a cat"]).data
assert [len(one.embedding) for one in found] == [8, 8, 8], found
assert found[0].embedding == found[2].embedding != found[1].embedding
assert abs(sum(number * number for number in found[0].embedding) - 1) < 1e-5
numbers = client.embeddings.create(model="default", input="a cat", encoding_format="float").data[0]
assert all(abs(a - b) < 1e-6 for a, b in zip(numbers.embedding, found[0].embedding))
try:
    client.embeddings.create(model="text-embedding-3-small", input="a")
    raise AssertionError("it was answered")
except openai.NotFoundError as error:
    assert error.code == "model_not_found", error

print("all is well")
