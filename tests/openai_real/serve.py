"""llama.cpp's own HTTP server, as the package xllamacpp holds it.

serve.py PORT CONTEXT MODEL            a model that answers
serve.py PORT CONTEXT MODEL PROJECTOR  one that sees
serve.py PORT CONTEXT MODEL embed      one that finds vectors

It ends with its standard input.
"""

import sys

import xllamacpp

port, context, model, rest = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]
params = xllamacpp.CommonParams()
params.model.path = model
params.hostnames = ["127.0.0.1"]
params.port = port
params.n_parallel = 1
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
params.warmup = False
params.n_ctx = context
if rest == ["embed"]:
    params.embedding = True
elif rest:
    params.mmproj.path = rest[0]
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
