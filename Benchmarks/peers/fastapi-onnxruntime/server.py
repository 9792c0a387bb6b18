"""FastAPI and ONNX Runtime as most people use them: read the upload, preprocess, run, answer, unbatched."""

import uvicorn
from fastapi import FastAPI, UploadFile

from answers import answer, read_classes
from onnxruntime_network import open_network
from preprocessing import preprocess
from serving import parse

options = parse(__doc__)
app = FastAPI()
network = open_network(options.model / "model.onnx", options.threads)
classes = read_classes(options.model / "class_indices.json")


@app.post("/predict")
async def predict(image: UploadFile):
    inputs = preprocess(await image.read())[None]
    return answer(network.run(None, {"input": inputs})[0][0], classes)


uvicorn.run(app, host="127.0.0.1", port=options.port, access_log=False)
