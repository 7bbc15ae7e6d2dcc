"""OpenAI's client and percept's own weights."""

import base64
import os
import sys

from openai import OpenAI

client = OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["KEY"], max_retries=0, timeout=120)
assert [model.id for model in client.models.list().data][0] == "starter"
png = base64.b64encode(open(sys.argv[1], "rb").read()).decode()
parts = [
    {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{png}"}},
    {"type": "text", "text": "What does the error say?"},
]
messages = [{"role": "user", "content": parts}]
SAID = "Permission denied: /etc/hosts"

first = client.chat.completions.create(model="starter", messages=messages, temperature=0)
assert first.choices[0].message.content == SAID, first
assert first.usage.prompt_tokens > 100, first.usage

# The picture is known by its content: it is not evaluated a second time.
chunks = list(
    client.chat.completions.create(
        model="default", messages=messages, temperature=0, stream=True, stream_options={"include_usage": True}
    )
)
assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == SAID, chunks
assert chunks[-1].usage.prompt_tokens_details.cached_tokens > 100, chunks[-1].usage

print("all is well")
