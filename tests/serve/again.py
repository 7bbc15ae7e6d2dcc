"""A worker that dies in the middle of an answer."""

import os

import openai
from openai import OpenAI

hi = [{"role": "user", "content": "Hi"}]
client = OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["KEY"], timeout=60)

# In a stream the part that came can't be taken back: it is an error.
try:
    for _ in client.chat.completions.create(model="default", messages=hi, stream=True):
        pass
    raise AssertionError("the stream was whole")
except openai.APIError as error:
    assert "exit code 7" in str(error), error

answer = client.chat.completions.create(model="default", messages=hi)
assert answer.choices[0].message.content.endswith("perhaps so."), answer

print("all is well")
