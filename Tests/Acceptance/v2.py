#!/usr/bin/env python3
"""The Open Inference Protocol V2 with tritonclient[http], with its default options and with others.

    health, metadata, configuration, statistics and repository have the form that the client expects
    tensors (UINT8, in JSON and binary) and encoded images (BYTES) get exactly the probabilities of /predict at batch size 1
    (in larger batches the last digits depend on the batch); FP32 tensors that NumPy and Pillow made are within 1e-5
    classification returns the classes of /predict, in the same order
    gzip and deflate request bodies get the same answers; decompression bombs are refused, in little memory
    every error reaches the client as a sentence
    a JSON tensor of millions of numbers takes seconds and little memory, a binary one milliseconds

Needs tritonclient[http], numpy and Pillow.
"""

import base64
import gzip
import io
import json
import shutil
import tempfile
import time
import zlib
from pathlib import Path

import numpy
import tritonclient.http as triton
from PIL import Image
from tritonclient.utils import InferenceServerException

from acceptance import ROOT, Server, Verdict, exchange, make_parser, multipart, parse, probabilities
from images import sixteen_images

LARGEST_TENSOR_DIFFERENCE = 1e-5
MODEL = "fashion-mnist"


def encode(image, format="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def predict(server, image, count):
    """The answer of /predict: class indices, best first, and probabilities by index."""
    connection = server.connect()
    status, _, content = exchange(connection, "POST", f"/predict?top={count}", image, {"Content-Type": "image/png"})
    connection.close()
    if status != 200:
        raise SystemExit(f"FAILED /predict answers {status}: {content[:300]}")
    answer = json.loads(content)
    return [entry["index"] for entry in answer["top"]], numpy.array(probabilities(answer, count), numpy.float32)


def tensor(name, array, datatype, binary=True):
    value = triton.InferInput(name, list(array.shape), datatype)
    value.set_data_from_numpy(array, binary_data=binary)
    return value


def refused(call):
    """The status and sentence of the exception that `call` raises, or None."""
    try:
        call()
    except InferenceServerException as error:
        return error.status(), error.message()
    return None


def check_state(verdict, server, client):
    verdict.section("Health, metadata, configuration")
    verdict.check(client.is_server_live() and client.is_server_ready(), "the server lives and is ready")
    verdict.check(client.is_model_ready(MODEL), "the model is ready")
    verdict.check(not client.is_model_ready("other"), "another model is not")
    about = client.get_server_metadata()
    wanted = {"binary_tensor_data", "classification", "model_configuration", "statistics"}
    verdict.check(about["name"] == "alexnet" and wanted <= set(about["extensions"]), f"the server is {about}")
    metadata = client.get_model_metadata(MODEL)
    version = metadata["versions"][0]
    told = json.loads(server.get(f"/v1/models/{MODEL}")[2])
    verdict.check(version == told["version"], f"the version is the model's digest, {version}")
    verdict.check(client.is_model_ready(MODEL, version) and not client.is_model_ready(MODEL, "1"), "versions are told apart")
    shape = [-1] + told["input"]
    verdict.check(
        metadata["inputs"] == [{"name": "input", "datatype": "FP32", "shape": shape}], f"the input is {metadata['inputs']}")
    verdict.check(
        [output["name"] for output in metadata["outputs"]] == ["probabilities", "logits"]
        and all(output["shape"] == [-1, told["classes"]] for output in metadata["outputs"]),
        "the outputs are probabilities and logits")
    configuration = client.get_model_config(MODEL, version)
    verdict.check(
        configuration["max_batch_size"] >= 8 and configuration["input"][0]["dims"] == told["input"]
        and configuration["input"][0]["data_type"] == "TYPE_FP32",
        f"the configuration takes {configuration['max_batch_size']} images of {configuration['input'][0]['dims']}")
    return version, told


def check_answers(verdict, server, client, told, images):
    count = told["classes"]
    expected = [predict(server, image, count) for image in images]
    truth = numpy.stack([values for _, values in expected])
    _, height, width = told["input"]
    decoded = [numpy.asarray(Image.open(io.BytesIO(image)).convert("RGB")) for image in images]

    verdict.section("Answers equal /predict's")

    def check(text, inputs, truth, exactly=True, **options):
        result = client.infer(MODEL, [inputs], **options)
        given = result.as_numpy("probabilities")
        worst = abs(given - truth).max()
        verdict.check(
            numpy.array_equal(given, truth) if exactly else worst <= LARGEST_TENSOR_DIFFERENCE,
            f"{text}: largest difference {worst:.1e}", f"{given}\n{truth}")
        return result

    files = numpy.array(images, dtype=object)
    check(f"BYTES [{len(files)}], binary, with the client's defaults", tensor("input", files, "BYTES"), truth)
    check(f"BYTES [{len(files)}, 1], binary", tensor("input", files.reshape(-1, 1), "BYTES"), truth)
    texts = numpy.array([base64.b64encode(image) for image in images[:4]], dtype=object)
    check("BYTES [4] as base64 in JSON", tensor("input", texts, "BYTES", binary=False), truth[:4])
    wrong = 0
    for pixels, values in zip(decoded, truth):
        given = client.infer(MODEL, [tensor("input", pixels[None], "UINT8")]).as_numpy("probabilities")
        wrong += not numpy.array_equal(given[0], values)
    verdict.check(wrong == 0, f"UINT8 [1, H, W, 3] of {len(decoded)} images, each of its size, binary")
    small = [numpy.asarray(Image.fromarray(pixels).resize((40, 30))) for pixels in decoded[:3]]
    small_truth = numpy.stack([predict(server, encode(Image.fromarray(pixels)), count)[1] for pixels in small])
    check("UINT8 [3, 30, 40, 3], binary", tensor("input", numpy.stack(small), "UINT8"), small_truth)
    check("UINT8 [3, 30, 40, 3], JSON", tensor("input", numpy.stack(small), "UINT8", binary=False), small_truth)
    grey = numpy.stack([numpy.asarray(Image.fromarray(pixels).convert("L"))[..., None] for pixels in small])
    grey_truth = numpy.stack([predict(server, encode(Image.fromarray(pixels[..., 0])), count)[1] for pixels in grey])
    check("UINT8 [3, 30, 40, 1], binary", tensor("input", grey, "UINT8"), grey_truth)

    # The preset `stretch`, done by the client.
    normalised = numpy.stack([
        (numpy.asarray(Image.fromarray(pixels).resize((width, height), Image.BILINEAR), numpy.float32).transpose(2, 0, 1) / 255
         - numpy.float32(0.5)) / numpy.float32(0.5)
        for pixels in decoded])
    result = check("FP32 by Pillow and numpy, binary", tensor("input", normalised, "FP32"), truth, exactly=False)
    check("FP32, JSON", tensor("input", normalised[:2], "FP32", binary=False), result.as_numpy("probabilities")[:2])
    logits = result.as_numpy("logits").astype(numpy.float64)
    powers = numpy.exp(logits - logits.max(1, keepdims=True))
    difference = abs(powers / powers.sum(1, keepdims=True) - result.as_numpy("probabilities")).max()
    verdict.check(difference < 1e-6, f"softmax of the logits equals the probabilities, within {difference:.1e}")

    verdict.section("Outputs")
    asked = [triton.InferRequestedOutput("logits", binary_data=False), triton.InferRequestedOutput("probabilities")]
    mixed = client.infer(MODEL, [tensor("input", files, "BYTES")], outputs=asked, request_id="request é 7")
    verdict.check(
        numpy.array_equal(mixed.as_numpy("probabilities"), truth)
        and [output["name"] for output in mixed.get_response()["outputs"]] == ["logits", "probabilities"],
        "JSON and binary outputs in one answer, in the order asked for")
    verdict.check(mixed.get_response()["id"] == "request é 7", "the id comes back")
    binary = client.infer(MODEL, [tensor("input", files, "BYTES")]).as_numpy("logits")
    verdict.check(numpy.array_equal(binary, mixed.as_numpy("logits")), "numbers in JSON are the binary ones to the last bit")
    names = list(json.loads(server.get("/classes")[2]).values())
    for binary_data in (True, False):
        output = triton.InferRequestedOutput("probabilities", binary_data=binary_data, class_count=3)
        classes = client.infer(MODEL, [tensor("input", files, "BYTES")], outputs=[output]).as_numpy("probabilities")
        right = []
        for row, (order, values) in zip(classes, expected):
            parts = [(text.decode() if isinstance(text, bytes) else text).split(":", 2) for text in row]
            right.append(
                [int(index) for _, index, _ in parts] == order[:3]
                and all(numpy.float32(value) == values[int(index)] and label == names[int(index)] for value, index, label in parts))
        verdict.check(
            classes.shape == (len(files), 3) and all(right), f"classification of 3, {'binary' if binary_data else 'JSON'}: {classes[0]}")
    return truth, normalised


def check_codings(verdict, server, client, truth, images):
    verdict.section("Compression")
    files = numpy.array(images, dtype=object)
    for coding in ("gzip", "deflate"):
        for binary_asked in (None, coding):
            result = client.infer(
                MODEL, [tensor("input", files, "BYTES")], request_compression_algorithm=coding,
                response_compression_algorithm=binary_asked)
            verdict.check(
                numpy.array_equal(result.as_numpy("probabilities"), truth),
                f"{coding}{', and the answer may be compressed' if binary_asked else ''}")
    form, kind = multipart(images)
    connection = server.connect()
    status, _, content = exchange(
        connection, "POST", "/predict", gzip.compress(form), {"Content-Type": kind, "Content-Encoding": "gzip"})
    verdict.check(status == 200 and len(json.loads(content)["predictions"]) == len(images), "/predict takes a gzipped form")
    before = server.resident_bytes()[1]
    path = f"/v2/models/{MODEL}/infer"
    bombs = {"gzip": gzip.compress(bytes(1 << 30)), "deflate": zlib.compress(bytes(1 << 30), 9)}
    for coding, bomb in bombs.items():
        connection = server.connect()
        status, _, content = exchange(connection, "POST", path, bomb, {"Content-Encoding": coding})
        verdict.check(status == 413, f"1 GiB in {len(bomb)} bytes of {coding}: {status}", content[:300])
    grown = server.resident_bytes()[1] - before
    verdict.check(grown < 100 << 20, f"the bombs took {grown >> 20} MiB at most")
    whole = gzip.compress(b'{"inputs": []}')
    for text, body, coding, wanted in [
        ("cut", whole[:-1], "gzip", 400), ("with bytes behind it", whole + b"x", "gzip", 400),
        ("not gzip", b"{}", "gzip", 400), ("raw deflate", zlib.compress(b"{}")[2:-4], "deflate", 400), ("brotli", b"{}", "br", 415),
    ]:
        connection = server.connect()
        status, fields, content = exchange(connection, "POST", path, body, {"Content-Encoding": coding})
        verdict.check(
            status == wanted and json.loads(content).get("error") and (wanted != 415 or fields["accept-encoding"] == "gzip, deflate"),
            f"a body that is {text}: {status}, {json.loads(content)['error'][:100]}")


def check_errors(verdict, client, images, told):
    verdict.section("Errors, as the client raises them")
    files = numpy.array(images[:1], dtype=object)
    float_shape = [1] + told["input"]
    zeros = numpy.zeros(float_shape, numpy.float32)
    bad = zeros.copy()
    bad.flat[5] = numpy.nan
    shared = triton.InferInput("input", [1], "BYTES")
    shared.set_shared_memory("region", 100)
    good = tensor("input", files, "BYTES")
    for text, call, status, words in [
        ("another model", lambda: client.infer("other", [good]), "404", "served here"),
        ("another version", lambda: client.infer(MODEL, [good], model_version="1"), "404", "no version"),
        ("metadata of another model", lambda: client.get_model_metadata("other"), "404", "served here"),
        ("a path that is not there", lambda: client.get_trace_settings(), "404", "/v2/trace/setting"),
        ("another input", lambda: client.infer(MODEL, [tensor("data", files, "BYTES")]), "400", 'named "input"'),
        ("two inputs", lambda: client.infer(MODEL, [good, good]), "400", "more than once"),
        ("another output", lambda: client.infer(MODEL, [good], outputs=[triton.InferRequestedOutput("boxes")]), "400", "probabilities"),
        ("no N", lambda: client.infer(MODEL, [tensor("input", zeros[0], "FP32")]), "400", "it takes FP32 [N, "),
        ("another datatype", lambda: client.infer(MODEL, [tensor("input", zeros.astype(numpy.float64), "FP64")]), "400", "FP64"),
        ("not a number", lambda: client.infer(MODEL, [tensor("input", bad, "FP32")]), "400", "Value 5"),
        ("shared memory", lambda: client.infer(MODEL, [shared]), "400", "shared memory"),
        ("no image", lambda: client.infer(MODEL, [tensor("input", numpy.array([b"GIF89a"], object), "BYTES")]), "415", "GIF"),
        ("a cut image", lambda: client.infer(
            MODEL, [tensor("input", numpy.array([images[0], images[0][:200]], object), "BYTES")]), "400", "Image 1"),
        ("too many", lambda: client.infer(
            MODEL, [tensor("input", numpy.zeros([65, 2, 2, 3], numpy.uint8), "UINT8")]), "413", "at most 64"),
        ("no patience", lambda: client.infer(MODEL, [tensor("input", numpy.concatenate([zeros] * 32), "FP32")], timeout=1), "504", "timeout"),
    ]:
        error = refused(call)
        verdict.check(error and error[0] == status and words in error[1], f"{text}: {error}")


def check_statistics(verdict, server, client, version, images):
    verdict.section("Statistics")

    def read(**options):
        return client.get_inference_statistics(**options)["model_stats"][0]

    before = read()
    client.infer(MODEL, [tensor("input", numpy.array(images, dtype=object), "BYTES")])
    predict(server, images[0], 10)
    refused(lambda: client.infer(MODEL, [tensor("input", numpy.array([b"GIF89a"], object), "BYTES")]))
    after = read(model_name=MODEL, model_version=version)
    verdict.check(after["inference_count"] - before["inference_count"] == len(images) + 1, "images of both interfaces are counted")
    grown = {
        name: after["inference_stats"][name]["count"] - before["inference_stats"][name]["count"] for name in after["inference_stats"]}
    verdict.check(
        grown == {"success": 2, "fail": 1, "queue": 2, "compute_input": 2, "compute_infer": 2, "compute_output": 2,
                  "cache_hit": 0, "cache_miss": 0}, f"requests: {grown}")

    def held(entry):
        return sum(batch["batch_size"] * batch["compute_infer"]["count"] for batch in entry["batch_stats"])

    verdict.check(
        sum(batch["compute_infer"]["count"] for batch in after["batch_stats"]) == after["execution_count"]
        and held(after) - held(before) == len(images) + 1,
        f"{after['execution_count'] - before['execution_count']} batches held the last {held(after) - held(before)} images")
    verdict.check(abs(after["last_inference"] / 1000 - time.time()) < 60, "the last inference was just now")


def check_repository(verdict, options, folder, images):
    verdict.section("Repository")
    token = folder / "token"
    token.write_text("a token of more than sixteen bytes\n")
    admin = {"Authorization": "Bearer " + token.read_text().strip()}
    environment = {"ALEXNET_ADMIN_TOKEN_FILE": str(token)}
    models = folder / "models"
    shutil.copytree(options.models / MODEL, models / MODEL)
    with Server(options.binary, "--models", models, environment=environment) as server:
        with triton.InferenceServerClient(f"{server.host}:{server.port}") as client:
            inputs = [tensor("input", numpy.array(images[:1], dtype=object), "BYTES")]
            verdict.check(refused(client.get_model_repository_index)[0] == "401", "without the token nothing is told")
            index = client.get_model_repository_index(headers=admin)
            verdict.check([entry["state"] for entry in index] == ["READY"], f"index: {index}")
            client.unload_model(MODEL, headers=admin)
            verdict.check(not client.is_model_ready(MODEL), "an unloaded model is not ready")
            verdict.note(refused(lambda: client.infer(MODEL, inputs)))
            shutil.copytree(options.models / MODEL, models / "second")
            client.load_model("second", headers=admin)
            verdict.check(client.is_model_ready("second"), "a folder that has just come is loaded")
            client.load_model(MODEL, headers=admin)
            verdict.check(client.infer(MODEL, inputs) is not None, "the model is loaded again, and answers")
            told = refused(lambda: client.load_model(MODEL, headers=admin, config="{}"))
            verdict.check(told and told[0] == "400" and "config" in told[1], f"a configuration is refused: {told}")
            (models / "second" / "fashion-mnist.pth").write_bytes(b"nonsense")
            told = refused(lambda: client.load_model("second", headers=admin))
            verdict.check(told and told[0] == "422" and client.is_model_ready("second"), f"a broken one is refused: {told}")


def median(call, times=30):
    seconds = []
    for _ in range(times):
        start = time.monotonic()
        call()
        seconds.append(time.monotonic() - start)
    return sorted(seconds)[times // 2] * 1000


def check_speed(verdict, server, client, normalised, images):
    verdict.section("Time and memory")
    eight = numpy.ascontiguousarray(numpy.resize(normalised, (8,) + normalised.shape[1:]))
    binary = tensor("input", eight, "FP32")
    milliseconds = median(lambda: client.infer(MODEL, [binary]))
    verdict.note(f"FP32 {list(eight.shape)} binary: {milliseconds:.1f} ms a request, {8000 / milliseconds:.0f} tensors/s")
    small = [encode(Image.open(io.BytesIO(image)).convert("RGB").resize((224, 224)), "JPEG", quality=90) for image in images[:8]]
    files = tensor("input", numpy.array(small, dtype=object), "BYTES")
    milliseconds = median(lambda: client.infer(MODEL, [files]))
    verdict.note(f"BYTES [{len(small)}] of 224x224 JPEG: {milliseconds:.1f} ms a request")
    form, kind = multipart(small)
    connection = server.connect()
    milliseconds = median(lambda: exchange(connection, "POST", "/predict", form, {"Content-Type": kind}))
    verdict.note(f"/predict with the same {len(small)} images: {milliseconds:.1f} ms a request")

    path = f"/v2/models/{MODEL}/infer"
    # About 3 MiB per image; a body may have 32.
    many = numpy.random.default_rng(1).random((8,) + eight.shape[1:], numpy.float32)
    numbers = ",".join(map(repr, many.astype(numpy.float64).flatten().tolist()))
    body = json.dumps({"inputs": [{"name": "input", "shape": list(many.shape), "datatype": "FP32", "data": [0]}]})
    body = body.replace("[0]", "[" + numbers + "]").encode()
    before = server.resident_bytes()[1]
    start = time.monotonic()
    status, _, content = exchange(server.connect(), "POST", path, body)
    seconds = time.monotonic() - start
    grown = server.resident_bytes()[1] - before
    verdict.note(f"{many.size} numbers in {len(body) >> 20} MiB of JSON: {seconds:.2f} s with the network, {grown >> 20} MiB more at its peak")
    verdict.check(status == 200 and seconds < 20, f"a long JSON tensor answers {status}", content[:300])
    direct = client.infer(MODEL, [tensor("input", many, "FP32")]).as_numpy("logits")
    given = numpy.array(json.loads(content)["outputs"][1]["data"], numpy.float32).reshape(direct.shape)
    difference = abs(given - direct).max()
    verdict.check(difference < 1e-4, f"its logits are the binary tensor's within {difference:.1e}")
    lies = b'{"inputs":[{"name":"input","datatype":"UINT8","shape":[64,7000,7000,3],"data":[' + b"1," * (8 << 20)
    for text, hostile in [
        ("a shape of 9 GB", lies), ("16 million values too many", body[:200].split(b"[0")[0] + b"[" + b"0," * (15 << 20)),
        ("a million open brackets", b'{"a":' + b"[" * (1 << 20)), ("a million members", b'{' + b'"a":1,' * (1 << 20) + b'"b":2}'),
    ]:
        before = server.resident_bytes()[1]
        start = time.monotonic()
        status, _, content = exchange(server.connect(), "POST", path, hostile)
        seconds = time.monotonic() - start
        grown = server.resident_bytes()[1] - before
        verdict.check(
            status == 400 and seconds < 5 and grown < 150 << 20,
            f"{text}: {status} after {seconds:.2f} s, {grown >> 20} MiB more; {json.loads(content)['error'][:120]}")


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "weights")
    options = parse(parser)
    verdict = Verdict()
    images = [
        encode(Image.open(io.BytesIO(content)).convert("RGB")) for content in list(sixteen_images().values())[:8]]
    # A long deadline, so that no request times out in the queue.
    settings = {"ALEXNET_BATCHING_REQUEST_DEADLINE": "60s"}

    def connect(server):
        return triton.InferenceServerClient(f"{server.host}:{server.port}", network_timeout=120, connection_timeout=120)

    alone = settings | {"ALEXNET_BATCHING_MAX_BATCH_SIZE": "1"}
    with Server(options.binary, "--models", options.models, environment=alone) as server, connect(server) as client:
        told = json.loads(server.get(f"/v1/models/{MODEL}")[2])
        truth, normalised = check_answers(verdict, server, client, told, images)
        check_codings(verdict, server, client, truth, images)
    with Server(options.binary, "--models", options.models, environment=settings) as server:
        with connect(server) as client:
            version, told = check_state(verdict, server, client)
            batch = client.infer(MODEL, [tensor("input", numpy.array(images, dtype=object), "BYTES")]).as_numpy("probabilities")
            difference = abs(batch - truth).max()
            verdict.check(difference <= LARGEST_TENSOR_DIFFERENCE, f"in batches answers differ by {difference:.1e} at most")
            check_statistics(verdict, server, client, version, images)
            check_errors(verdict, client, images, told)
            check_speed(verdict, server, client, normalised, images)
    with tempfile.TemporaryDirectory(prefix="alexnet-v2-") as folder:
        check_repository(verdict, options, Path(folder), images)
    verdict.finish()


if __name__ == "__main__":
    main()
