"""What OpenAI's client makes of percept serve with the fake worker."""

import base64
import os
import sys

import openai
from openai import OpenAI


def raised(kind, ask):
    try:
        ask()
    except kind as error:
        return error
    raise AssertionError(f"{kind} was not raised")


client = OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["KEY"], max_retries=0, timeout=60)
hi = [{"role": "user", "content": "Hi"}]
ANSWER = 'You asked "Hi" about 0 pictures, **perhaps** `code` perhaps so.'

# Models.
models = client.models.list().data
name = models[0].id
assert client.models.retrieve(name).id == name, models
assert raised(openai.NotFoundError, lambda: client.models.retrieve("gpt-9")).code == "model_not_found"

# Whole.
whole = client.chat.completions.create(model=name, messages=hi, logprobs=True, temperature=0, seed=1)
assert whole.choices[0].message.content == ANSWER, whole
assert whole.choices[0].finish_reason == "stop"
assert [t.token for t in whole.choices[0].logprobs.content][0] == "You "
assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
again = client.chat.completions.create(model="default", messages=hi)
assert again.usage.prompt_tokens_details.cached_tokens > 0, again.usage

# Streamed.
chunks = list(
    client.chat.completions.create(model=name, messages=hi, stream=True, stream_options={"include_usage": True})
)
assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == ANSWER
assert chunks[-1].usage.completion_tokens == 10 and not chunks[-1].choices
assert chunks[-2].choices[0].finish_reason == "stop"
stopped = client.chat.completions.create(model=name, messages=hi, stop=['"Hi" about'])
assert stopped.choices[0].message.content == "You asked ", stopped

# A client that stops reading; the next request is answered.
with client.chat.completions.create(model=name, messages=hi, stream=True) as stream:
    next(iter(stream))
assert client.chat.completions.create(model=name, messages=hi).choices[0].message.content == ANSWER

# Pictures.
png = base64.b64encode(open(sys.argv[1], "rb").read()).decode()


def look(url):
    parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What?"}]
    return client.chat.completions.create(model=name, messages=[{"role": "user", "content": parts}])


seen = look(f"data:image/png;base64,{png}")
assert "about 1 pictures" in seen.choices[0].message.content, seen
refused = raised(openai.BadRequestError, lambda: look("https://example.com/cat.png"))
assert refused.param == "messages[0].content[0].image_url.url", refused
assert raised(openai.BadRequestError, lambda: look("data:image/png;base64,AAAA")).code == "invalid_image"

# Tools.
tools = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}}}]
script = [{"role": "user", "content": 'call weather {"city": "Ulm"}'}]
called = client.chat.completions.create(model=name, messages=script, tools=tools)
call = called.choices[0].message.tool_calls[0]
assert called.choices[0].finish_reason == "tool_calls"
assert (call.function.name, call.function.arguments) == ("weather", '{"city":"Ulm"}'), call
with client.chat.completions.stream(model=name, messages=script, tools=tools) as stream:
    for _ in stream:
        pass
    final = stream.get_final_completion().choices[0].message
assert final.tool_calls[0].function.name == "weather", final
result = {"role": "tool", "tool_call_id": call.id, "content": "rain"}
answer = client.chat.completions.create(
    model=name, messages=[*script, called.choices[0].message, result], tools=tools
)
assert "`rain`" in answer.choices[0].message.content, answer

# What is refused.
stranger = OpenAI(base_url=os.environ["BASE_URL"], api_key="wrong", max_retries=0)
assert raised(openai.AuthenticationError, lambda: stranger.models.list()).code == "invalid_api_key"
several = raised(openai.BadRequestError, lambda: client.chat.completions.create(model=name, messages=hi, n=2))
assert (several.param, several.code) == ("n", "unsupported_parameter"), several
raised(openai.NotFoundError, lambda: client.chat.completions.create(model="gpt-9", messages=hi))
raised(openai.NotFoundError, lambda: client.completions.create(model=name, prompt="Hi"))

print("all is well")
