"""A prompt that doesn't fit."""

import os

import openai
from openai import OpenAI

client = OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["KEY"], max_retries=0, timeout=60)
for stream in (False, True):
    try:
        client.chat.completions.create(model="", messages=[{"role": "user", "content": "Hi"}], stream=stream)
        raise AssertionError("it was answered")
    except openai.BadRequestError as error:
        assert error.code == "context_length_exceeded", error

print("all is well")
