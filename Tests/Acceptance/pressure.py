#!/usr/bin/env python3
"""Back-pressure, deadlines and graceful shutdown, as a client sees them.

    a full queue             429 with Retry-After for requests that do not fit, 200 for the others
    past the deadline        504
    SIGTERM                  /readyz becomes 503 at once; new requests are accepted for drain_delay, then refused with 503 and
                             Retry-After, or the connection is refused; every accepted request is answered; exit code 0

Every refusal is application/problem+json with a detail, and the server stays healthy.
"""

import collections
import http.client
import json
import threading
import time
from pathlib import Path

from acceptance import ROOT, Server, Verdict, exchange, make_parser, multipart, parse, problem, run_threads
from images import sixteen_images

# One image at a time on one thread, so that a queue forms.
SLOW = ("--threads", "1", "--max-batch-size", "1")


def post(connection, images):
    if len(images) == 1:
        return exchange(connection, "POST", "/predict", images[0], {"Content-Type": "image/jpeg"})
    body, kind = multipart(images)
    return exchange(connection, "POST", "/predict", body, {"Content-Type": kind})


def crowd(server, connections, requests, images):
    """All connections send `requests` requests each, starting together. Returns the answers and the transport errors."""
    answers, broken = [], []
    barrier = threading.Barrier(connections)

    def one_connection(_):
        connection = server.connect()
        connection.connect()
        barrier.wait()
        for _ in range(requests):
            try:
                answers.append(post(connection, images))
            except (OSError, http.client.HTTPException) as error:
                broken.append(f"{type(error).__name__}: {error}")
                connection.close()

    run_threads(connections, one_connection)
    return answers, broken


def check_answers(verdict, answers, broken, refusal):
    """Only 200 and `refusal` are allowed, and each refusal has a detail. Returns the count and the refusals."""
    counts = dict(sorted(collections.Counter(status for status, _, _ in answers).items()))
    verdict.note(f"statuses: {counts}")
    verdict.check(not broken, "no connection breaks", "\n".join(broken[:5]))
    verdict.check(set(counts) <= {200, refusal}, f"answers are 200 or {refusal}", f"{counts}")
    refused = [(fields, content) for status, fields, content in answers if status == refusal]
    verdict.check(bool(refused), f"some are {refusal}", "the pressure was too low, or is not felt")
    mute = [content[:200] for fields, content in refused if not problem(fields, content)]
    verdict.check(not mute, f"each {refusal} is a problem with a detail", f"{mute[:3]}")
    if refused:
        verdict.note(f"detail: {problem(*refused[0])}")
    return len(refused), refused


def check_retry_after(verdict, refused):
    odd = [fields.get("retry-after") for fields, _ in refused if not (fields.get("retry-after") or "").isdigit()]
    verdict.check(not odd, "each says after how many seconds to retry", f"Retry-After: {odd[:5]}")


def check_still_alive(verdict, server, image):
    """The server still classifies an image. Allows a few seconds, as abandoned work may still be running."""
    deadline = time.monotonic() + 5
    while True:
        status, _, content = outcome(server.connect(), [image])
        if status == 200 or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    ready = server.get("/readyz")[0]
    verdict.check(status == 200 and ready == 200, "afterwards an image is classified and /readyz is 200",
                  f"{status} {content[:200]}, /readyz {ready}")


def full_queue(verdict, options, image):
    verdict.section("a full queue")
    environment = {"ALEXNET_BATCHING_QUEUE_CAPACITY": "2"}
    with Server(options.binary, "--models", options.models, *SLOW, environment=environment) as server:
        answers, broken = crowd(server, 32, 4, [image])
        count, refused = check_answers(verdict, answers, broken, 429)
        check_retry_after(verdict, refused)
        rejected = server.metrics().total("alexnet_rejected_total")
        verdict.check(rejected == count, f"alexnet_rejected_total counts {rejected:.0f} of {count}")
        check_still_alive(verdict, server, image)


def past_the_deadline(verdict, options, image):
    verdict.section("past the deadline")
    environment = {"ALEXNET_BATCHING_REQUEST_DEADLINE": options.deadline}
    with Server(options.binary, "--models", options.models, *SLOW, environment=environment) as server:
        answers, broken = crowd(server, 64, 4, [image])
        check_answers(verdict, answers, broken, 504)
        check_still_alive(verdict, server, image)


def draining(verdict, options, image):
    """The answers of a server with a long queue, between SIGTERM and its exit."""
    verdict.section("draining")
    delay = 0.5
    environment = {
        "ALEXNET_SERVER_DRAIN_DELAY": f"{int(delay * 1000)}ms",
        "ALEXNET_BATCHING_QUEUE_CAPACITY": "4096",
        "ALEXNET_BATCHING_QUEUE_BYTES": "2GiB",
        "ALEXNET_BATCHING_REQUEST_DEADLINE": "60s",
    }
    with Server(options.binary, "--models", options.models, *SLOW, environment=environment) as server:
        connection = server.connect()
        start = time.monotonic()
        for _ in range(10):
            post(connection, [image])
        seconds_per_image = (time.monotonic() - start) / 10
        # Requests of 64 images that together keep the server busy for some seconds longer than the delay.
        count = max(2, min(32, int((delay + 3) / (64 * seconds_per_image)) + 1))
        accepted, early = [], []
        long = in_background(lambda: run_threads(count, lambda _: accepted.append(outcome(server.connect(), [image] * 64))))
        time.sleep(0.5)
        idle = [server.connect() for _ in range(8)]
        for one in idle:
            exchange(one, "GET", "/healthz")
        if not verdict.check(len(accepted) < count, "there is work left when SIGTERM comes", f"{len(accepted)} of {count} were done"):
            verdict.note(f"{accepted[0][0]}: {accepted[0][2][:300]}")
        sent = server.terminate()

        # On a busy machine the signal takes a moment to arrive.
        status = 200
        while status == 200 and time.monotonic() < sent + 0.2:
            try:
                status = server.get("/readyz")[0]
            except OSError as error:
                status = f"{type(error).__name__}: {error}"
        verdict.check(status == 503, f"/readyz answers {status} {time.monotonic() - sent:.2f} s after SIGTERM", "503 is right")
        newcomer = idle.pop()
        within = in_background(lambda: early.append(outcome(newcomer, [image])))

        late = []
        while idle and server.process.poll() is None:
            if time.monotonic() > sent + delay + 0.3:
                late.append(outcome(idle.pop(), [image]))
            time.sleep(0.1)
        late.append(outcome(server.connect(timeout=5), [image]))
        statuses = collections.Counter(status for status, _, _ in late)
        verdict.note(f"after drain_delay new work meets: {dict(statuses)}")
        verdict.check(set(statuses) <= {503, "closed"}, "after drain_delay new work is refused", f"{late[:3]}")
        refused = [(fields, content) for status, fields, content in late if status == 503]
        if refused:
            check_retry_after(verdict, refused)
            verdict.note(f"detail: {problem(*refused[0])}")
        long.join(40)
        within.join(40)
        verdict.check([answer[0] for answer in early] == [200], "new work within drain_delay is answered", f"{early}")
        whole = sum(is_whole(answer) for answer in accepted)
        verdict.check(
            whole == count, f"of {count} requests with 64 images, accepted before, {whole} are answered in full",
            "\n".join(f"{status}: {content[:300]}" for status, _, content in accepted if status != 200),
        )
        code = server.wait()
        verdict.check(code == 0, f"the server exits with {code} {time.monotonic() - sent:.1f} s after SIGTERM", server.log()[-1500:])


def in_background(work):
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def is_whole(answer):
    """Whether the answer has a class for each of the 64 images."""
    status, _, content = answer
    if status != 200:
        return False
    predictions = json.loads(content)["predictions"]
    return len(predictions) == 64 and all("class" in prediction for prediction in predictions)


def outcome(connection, images):
    """The answer, or "closed" as its status if the connection failed."""
    try:
        return post(connection, images)
    except (OSError, http.client.HTTPException) as error:
        return "closed", {}, f"{type(error).__name__}: {error}"


def terminated_under_load(verdict, options, image, delay):
    """32 connections in a closed loop. Requests sent before the signal, or within drain_delay, are answered."""
    verdict.section(f"SIGTERM under load, drain_delay {delay} s")
    environment = {"ALEXNET_SERVER_DRAIN_DELAY": f"{int(delay * 1000)}ms"}
    sent, lost, refused, done = [None], [], [], []
    with Server(options.binary, "--models", options.models, environment=environment) as server:
        def one_connection(_):
            connection = server.connect()
            while sent[0] is None or time.monotonic() < sent[0] + delay + 2:
                start = time.monotonic()
                status, fields, content = outcome(connection, [image])
                safe = sent[0] is None or start < sent[0] - 0.05 + delay
                if status == 200:
                    done.append(start)
                elif safe:
                    late = "before the signal" if sent[0] is None else f"{start - sent[0]:+.2f} s from the signal"
                    lost.append(f"asked {late}: {status}, {content[:200]}")
                else:
                    refused.append(status)
                    return
                if status == "closed" or fields.get("connection", "").lower() == "close":
                    connection.close()

        crowd = in_background(lambda: run_threads(32, one_connection))
        time.sleep(2)
        sent[0] = server.terminate()
        crowd.join(60)
        code = server.wait()
        within = sum(start < sent[0] for start in done)
        verdict.note(f"answered: {within} asked before the signal, {len(done) - within} after; then: "
                     f"{dict(collections.Counter(refused))}")
        verdict.check(not lost, "no accepted request is lost", "\n".join(lost[:10]))
        verdict.check(set(refused) <= {503, "closed"}, "later ones are refused with 503 or at the door", f"{set(refused)}")
        verdict.check(code == 0, f"exit code {code}", server.log()[-1500:])


def main():
    parser = make_parser(__doc__)
    parser.add_argument("--models", type=Path, default=ROOT / "weights")
    parser.add_argument("--deadline", default="100ms", help="a deadline that a queue of 64 images cannot meet")
    options = parse(parser)
    verdict = Verdict()
    image = sixteen_images()["chelsea-mirrored.jpg"]
    full_queue(verdict, options, image)
    past_the_deadline(verdict, options, image)
    draining(verdict, options, image)
    terminated_under_load(verdict, options, image, 0)
    terminated_under_load(verdict, options, image, 1)
    verdict.finish()


if __name__ == "__main__":
    main()
